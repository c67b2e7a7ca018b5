/** The objects of a mask as a GeoJSON file (RFC 7946), written as they are found. */
import { type FileHandle, open } from 'node:fs/promises';
import { makeFileWhole } from '../core/files.js';
import type { ToLonLat } from './lon-lat.js';
import { doubleArea, type Outline, simplify, toOutline } from './outline.js';
import { type Corner, type Ring, RingTracer } from './rings.js';

/** Decimals of a degree: the eighth is a millimetre. */
const DECIMALS = 8;
/** Characters that wait at most before they are written. */
const BUFFER = 2 ** 20;

/** What polygons are made of, and how they are told. */
export interface PolygonOptions {
  /** Width of the mask, pixels. */
  readonly width: number;
  /** Map from a corner of a pixel to WGS 84. Without it the coordinates are pixels, x to the right and y down. */
  readonly toLonLat?: ToLonLat | undefined;
  /** Pixels that an outline may move by when it is simplified; by default every corner is kept. */
  readonly tolerance?: number | undefined;
}

/**
 * Writes the polygons of a mask, under a temporary name first.
 *
 * @param feed gives all rows of the mask to its `take`, in order, any number at a time.
 * @returns what `feed` returned.
 */
export async function writePolygons<T>(
  path: string,
  options: PolygonOptions,
  feed: (take: (rows: Uint8Array) => Promise<void>) => Promise<T>,
): Promise<T> {
  let fed: { value: T } | undefined;
  await makeFileWhole(path, async (temporary) => {
    const writer = await PolygonWriter.create(temporary, options);
    try {
      fed = { value: await feed((rows) => writer.write(rows)) };
      await writer.finish();
    } finally {
      await writer.close();
    }
  });
  return fed!.value;
}

/** A GeoJSON file of polygons that is being written. */
export class PolygonWriter {
  readonly #file: FileHandle;
  readonly #options: PolygonOptions;
  readonly #tracer: RingTracer;
  #text = '';
  #count = 0;
  #closed = false;

  private constructor(file: FileHandle, options: PolygonOptions) {
    this.#file = file;
    this.#options = options;
    this.#tracer = new RingTracer(options.width, (object) => this.#add(toOutline(object)));
    const frame = options.toLonLat === undefined ? ',"coordinates":"pixels, x to the right, y down"' : '';
    this.#text = `{"type":"FeatureCollection"${frame},"features":[`;
  }

  /** Makes the file, or empties it. It is no GeoJSON before {@link finish}: write to a temporary name. */
  static async create(path: string, options: PolygonOptions): Promise<PolygonWriter> {
    return new PolygonWriter(await open(path, 'w'), options);
  }

  /** Polygons written so far. */
  get count(): number {
    return this.#count;
  }

  /**
   * Takes the next rows of the mask and writes the objects that end in them.
   *
   * @param rows any number of whole rows, from the top on; any value but 0 is inside.
   */
  async write(rows: Uint8Array): Promise<void> {
    const { width } = this.#options;
    for (let at = 0; at < rows.length; at += width) {
      this.#tracer.add(rows.subarray(at, at + width));
      if (this.#text.length > BUFFER) await this.#flush();
    }
  }

  /** Writes the objects that reach the lower edge, ends the text and closes the file. */
  async finish(): Promise<void> {
    this.#tracer.finish();
    this.#text += '\n]}\n';
    await this.#flush();
    await this.close();
  }

  /** Closes the file, finished or not. May be called again. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#file.close();
  }

  async #flush(): Promise<void> {
    const text = this.#text;
    this.#text = '';
    await this.#file.write(text);
  }

  #add(outline: Outline): void {
    const { tolerance = 0 } = this.#options;
    const pixels = [outline.outer, ...outline.holes].reduce((sum, ring) => sum + doubleArea(ring) / 2, 0);
    const { outer, holes } = tolerance > 0 ? simplify(outline, tolerance) : outline;
    const coordinates = [this.#ring(outer, true), ...holes.map((ring) => this.#ring(ring, false))];
    const feature = {
      type: 'Feature',
      properties: { id: this.#count, pixels },
      geometry: { type: 'Polygon', coordinates },
    };
    this.#text += `${this.#count === 0 ? '\n' : ',\n'}${JSON.stringify(feature)}`;
    this.#count++;
  }

  /** Writes a ring as GeoJSON wants it: closed; outer rings counter-clockwise in their coordinates, holes clockwise. */
  #ring(ring: Ring, isOuter: boolean): Corner[] {
    const { toLonLat } = this.#options;
    const round = (value: number) => Number(value.toFixed(DECIMALS));
    const placed = ring.map(([x, y]): Corner => {
      if (toLonLat === undefined) return [x, y];
      const [lon, lat] = toLonLat(x, y);
      return [round(lon), round(lat)];
    });
    // With y upwards a positive area is counter-clockwise.
    if (doubleArea(placed) > 0 !== isOuter) placed.reverse();
    return [...placed, placed[0]!];
  }
}
