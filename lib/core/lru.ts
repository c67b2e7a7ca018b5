/** A cache of what was used last, as much as fits a budget. */

export class Lru<Key, Value> {
  /** Least recently used first: a Map keeps the order of insertion. */
  readonly #values = new Map<Key, Value>();
  #weight = 0;

  /**
   * @param budget What all values may weigh together; the newest stays whatever it weighs.
   * @param weightOf Bytes, say, the same each time; by default each value weighs 1, so that the budget is a count.
   */
  constructor(
    private readonly budget: number,
    private readonly weightOf: (value: Value) => number = () => 1,
  ) {}

  get size(): number {
    return this.#values.size;
  }

  /** The value, which thereby becomes the newest. */
  get(key: Key): Value | undefined {
    const value = this.#values.get(key);
    if (value === undefined) return undefined;
    this.#values.delete(key);
    this.#values.set(key, value);
    return value;
  }

  /** Puts the value in as the newest, and drops the oldest ones until all fit. */
  set(key: Key, value: Value): void {
    this.delete(key);
    this.#values.set(key, value);
    this.#weight += this.weightOf(value);
    for (const oldest of this.#values.keys()) {
      if (this.#weight <= this.budget || this.size === 1) break;
      this.delete(oldest);
    }
  }

  delete(key: Key): void {
    const value = this.#values.get(key);
    if (value === undefined) return;
    this.#values.delete(key);
    this.#weight -= this.weightOf(value);
  }

  clear(): void {
    this.#values.clear();
    this.#weight = 0;
  }
}
