/** Adds up the tiles' probabilities, a row of tiles at a time, and hands out the rows of the mask that are complete. */
import type { Tile, TilePlan } from './tiles.js';

/** Probability above which a pixel is inside. */
const INSIDE = 0.5;

/** Sums of a plan's tiles, kept for as many rows as a tile is high. */
export class Blender {
  readonly #plan: TilePlan;
  /** Weighted sums: rows from {@link #top} on, as many as a tile is high. */
  readonly #sums: Float32Array;
  #top = 0;

  constructor(plan: TilePlan) {
    this.#plan = plan;
    this.#sums = new Float32Array(plan.width * plan.rows[0]!.size);
  }

  /**
   * Adds a tile, weighted as the plan says.
   *
   * @param probabilities tile.width*tile.height values, 0 to 1; or one for all pixels.
   * @param valid tile.width*tile.height values; pixels of 0 add nothing.
   */
  add(tile: Tile, probabilities: Float32Array | number, valid?: Uint8Array | undefined): void {
    const across = this.#plan.columnWeights[tile.column]!;
    const down = this.#plan.rowWeights[tile.row]!;
    for (let y = 0; y < tile.height; y++) {
      const to = (tile.y - this.#top + y) * this.#plan.width + tile.x;
      for (let x = 0; x < tile.width; x++) {
        const at = y * tile.width + x;
        if (valid !== undefined && valid[at] === 0) continue;
        const probability = typeof probabilities === 'number' ? probabilities : probabilities[at]!;
        this.#sums[to + x]! += down[y]! * across[x]! * probability;
      }
    }
  }

  /**
   * Finishes a row of tiles, once all of them are added.
   *
   * @returns the rows of the mask that no later row of tiles reaches: width*rows values, 0 and 255.
   */
  finishRow(row: number): Uint8Array {
    const { width, height, rows } = this.#plan;
    const next = rows[row + 1]?.start ?? height;
    const done = (next - this.#top) * width;
    const mask = new Uint8Array(done);
    for (let at = 0; at < done; at++) mask[at] = this.#sums[at]! > INSIDE ? 255 : 0;
    this.#sums.copyWithin(0, done);
    this.#sums.fill(0, this.#sums.length - done);
    this.#top = next;
    return mask;
  }
}
