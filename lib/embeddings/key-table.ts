/**
 * Table of embeddings' keys by the place of their picture, packed: 7 MiB for 100,000 pictures, where a Map of strings takes 26
 * (docs/benchmarks-history.md, "Memory against samples"). A place is known by the first 128 bits of its SHA-256.
 */
import { createHash } from 'node:crypto';

const PLACE_WORDS = 4;
const KEY_WORDS = 8;
const ROW_WORDS = PLACE_WORDS + KEY_WORDS;

export class KeyTable {
  /** Rows of places and keys. They grow by doubling; a key's row stays the same. */
  #rows = new Uint32Array(ROW_WORDS * 512);
  #size = 0;
  /** Slots by which a place is found: its row + 1, or 0, stands at the slot that its first word names or at one of those after it. */
  #slots = new Uint32Array(1024);

  get size(): number {
    return this.#size;
  }

  /** Finds the row of a place; undefined if it is not known. */
  find(place: string): number | undefined {
    const found = this.#slots[this.#slotOf(wordsOf(place))]!;
    return found === 0 ? undefined : found - 1;
  }

  /** Returns the key in a row: 64 hexadecimal digits. */
  keyAt(row: number): string {
    const { buffer } = this.#rows;
    return Buffer.from(buffer, (row * ROW_WORDS + PLACE_WORDS) * 4, KEY_WORDS * 4).toString('hex');
  }

  /** Adds a place and its key, and returns the row. A place that is known keeps the key it has. */
  add(place: string, key: string): number {
    if (this.#size === this.#slots.length / 2) this.#grow();
    const words = wordsOf(place);
    const slot = this.#slotOf(words);
    if (this.#slots[slot] !== 0) return this.#slots[slot]! - 1;
    const row = this.#size++;
    this.#rows.set(words, row * ROW_WORDS);
    this.#rows.set(new Uint32Array(Uint8Array.from(Buffer.from(key, 'hex')).buffer), row * ROW_WORDS + PLACE_WORDS);
    this.#slots[slot] = row + 1;
    return row;
  }

  /** Finds the slot where a place stands, or would stand. */
  #slotOf(words: Uint32Array): number {
    const last = this.#slots.length - 1;
    let slot = words[0]! & last;
    while (this.#slots[slot] !== 0 && !this.#isAt(this.#slots[slot]! - 1, words)) slot = (slot + 1) & last;
    return slot;
  }

  #isAt(row: number, words: Uint32Array): boolean {
    return words.every((word, index) => this.#rows[row * ROW_WORDS + index] === word);
  }

  #grow(): void {
    const rows = new Uint32Array(this.#rows.length * 2);
    rows.set(this.#rows);
    this.#rows = rows;
    this.#slots = new Uint32Array(this.#slots.length * 2);
    for (let row = 0; row < this.#size; row++) {
      const start = row * ROW_WORDS;
      this.#slots[this.#slotOf(rows.subarray(start, start + PLACE_WORDS))] = row + 1;
    }
  }
}

function wordsOf(place: string): Uint32Array {
  const digest = createHash('sha256').update(place).digest();
  return Uint32Array.from({ length: PLACE_WORDS }, (_, index) => digest.readUInt32LE(index * 4));
}
