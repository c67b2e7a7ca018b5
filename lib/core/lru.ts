/** A cache that keeps what was used last, as much as fits a budget. */

/** Values by key, the least recently used dropped first where they outgrow the budget. */
export class Lru<Key, Value> {
  /** Values, the least recently used first: a Map keeps the order of insertion. */
  readonly #values = new Map<Key, Value>();
  #weight = 0;

  /**
   * @param budget most that all values may weigh together; the newest stays, whatever it weighs.
   * @param weightOf weight of a value, bytes say, the same each time; by default 1, so that the budget is a count.
   */
  constructor(
    private readonly budget: number,
    private readonly weightOf: (value: Value) => number = () => 1,
  ) {}

  /** Number of values. */
  get size(): number {
    return this.#values.size;
  }

  /** Returns the value, which thereby becomes the newest; undefined where there is none. */
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
