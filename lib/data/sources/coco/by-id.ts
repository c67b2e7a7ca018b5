/** Things by their ids. Of an id that stands twice none counts: which is meant can't be told. */
export class ById<Value> {
  readonly #values = new Map<string, Value>();
  /** Ids that stand twice, with what they stand for. */
  readonly #doubled = new Map<string, string[]>();

  /** @param nameOf says in messages what an id stands for. */
  constructor(readonly nameOf: (value: Value) => string) {}

  add(id: string, value: Value): void {
    const [first, names] = [this.#values.get(id), this.#doubled.get(id)];
    if (names !== undefined) names.push(this.nameOf(value));
    else if (first === undefined) this.#values.set(id, value);
    else {
      this.#doubled.set(id, [this.nameOf(first), this.nameOf(value)]);
      this.#values.delete(id);
    }
  }

  get(id: string): Value | undefined {
    return this.#values.get(id);
  }

  isDoubled(id: string): boolean {
    return this.#doubled.has(id);
  }

  values(): Iterable<Value> {
    return this.#values.values();
  }

  [Symbol.iterator](): Iterator<[string, Value]> {
    return this.#values[Symbol.iterator]();
  }

  /** Returns the ids that stand twice as messages name them: `1 (a.png, b.png)`. */
  clashes(): string[] {
    return [...this.#doubled].map(([id, names]) => `${id} (${names.join(', ')})`);
  }
}
