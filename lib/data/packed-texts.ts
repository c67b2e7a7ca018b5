/**
 * Many short texts, such as the names of files, in one piece of memory: 2 MiB for a list of 100,000 names, where strings take 4.6
 * (docs/benchmarks-history.md, "Memory against samples").
 */
export class PackedTexts {
  readonly #bytes: Buffer;
  /** End of each text, in bytes. */
  readonly #ends: Uint32Array;

  constructor(texts: readonly string[]) {
    this.#ends = new Uint32Array(texts.length);
    this.#bytes = Buffer.alloc(texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0));
    let end = 0;
    texts.forEach((text, index) => {
      end += this.#bytes.write(text, end);
      this.#ends[index] = end;
    });
  }

  get length(): number {
    return this.#ends.length;
  }

  /** Returns the text at a place from 0 to `length` - 1. */
  at(index: number): string {
    return this.#bytes.toString('utf8', index === 0 ? 0 : this.#ends[index - 1], this.#ends[index]);
  }
}
