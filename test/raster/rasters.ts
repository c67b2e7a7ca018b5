/** GeoTIFFs for tests, written by the geotiff package, whole. */
import { join } from 'node:path';
import { globals, writeArrayBuffer } from 'geotiff';
import { temporaryFolder, write } from '../data/pictures.js';

// The package reads GDAL's metadata but has no type to write it with.
Object.assign(globals.fieldTagTypes, { 42112: 'ASCII' });

type Bands = readonly (Uint8Array | Uint16Array | Float32Array)[];

/** UTM zone 14 north, pixels of 5 m. */
export const UTM = {
  ModelPixelScale: [5, 5, 0],
  ModelTiepoint: [0, 0, 0, 486650, 5208547, 0],
  GTModelTypeGeoKey: 1,
  GTRasterTypeGeoKey: 1,
  ProjectedCSTypeGeoKey: 32614,
  ProjLinearUnitsGeoKey: 9001,
};

export interface RasterOptions {
  readonly nodata?: number;
  readonly names?: readonly string[];
  /** The georeference; default: {@link UTM}. */
  readonly place?: Readonly<Record<string, number | number[]>>;
}

/** All bands of one type, interleaved, uncompressed. */
export function geoTiff(bands: Bands, width: number, height: number, options: RasterOptions = {}): Uint8Array {
  const first = bands[0]!;
  const all = new (first.constructor as new (length: number) => typeof first)(first.length * bands.length);
  bands.forEach((band, index) => {
    for (let pixel = 0; pixel < band.length; pixel++) all[pixel * bands.length + index] = band[pixel]!;
  });
  const items = (options.names ?? []).map(
    (name, sample) => `<Item name="DESCRIPTION" sample="${sample}">${name}</Item>`,
  );
  return new Uint8Array(
    writeArrayBuffer(all, {
      width,
      height,
      SamplesPerPixel: bands.length,
      BitsPerSample: bands.map(() => first.BYTES_PER_ELEMENT * 8),
      SampleFormat: bands.map(() => (first instanceof Float32Array ? 3 : 1)),
      PhotometricInterpretation: 1,
      ...(bands.length > 1 ? { ExtraSamples: bands.slice(1).map(() => 0) } : {}),
      ...(options.nodata === undefined ? {} : { GDAL_NODATA: `${options.nodata}` }),
      ...(items.length === 0 ? {} : { GDAL_METADATA: `<GDALMetadata>${items.join('')}</GDALMetadata>` }),
      ...(options.place ?? UTM),
    }),
  );
}

/** Written to a folder of its own. */
export async function rasterFile(name: string, content: Uint8Array): Promise<string> {
  return write(join(await temporaryFolder(), name), content);
}

export function sampleOf(path: string, bands?: string) {
  return { name: 'raster', image: { path }, ...(bands === undefined ? {} : { bands }) };
}

/** In big-endian byte order, of 8 or 16 bits, a strip for each row: its tables are long. */
export function bigEndianTiff(bands: readonly (Uint8Array | Uint16Array)[], width: number, height: number): Buffer {
  const bytes = bands[0]!.BYTES_PER_ELEMENT;
  const row = width * bands.length * bytes;
  const bits = 8 + row * height;
  const offsets = bits + 2 * bands.length;
  const counts = offsets + 4 * height;
  // Tag, type (3 short, 4 long), count, value or where it lies.
  const tags = [
    [256, 4, 1, width],
    [257, 4, 1, height],
    [258, 3, bands.length, bands.length > 2 ? bits : 8 * bytes],
    [259, 3, 1, 1],
    [262, 3, 1, 1],
    [273, 4, height, offsets],
    [277, 3, 1, bands.length],
    [278, 4, 1, 1],
    [279, 4, height, counts],
  ] as const;
  const directory = counts + 4 * height;
  const file = Buffer.alloc(directory + 2 + tags.length * 12 + 4);
  file.write('MM\0*', 'latin1');
  file.writeUInt32BE(directory, 4);
  for (const [band, values] of bands.entries()) {
    file.writeUInt16BE(8 * bytes, bits + 2 * band);
    values.forEach((value, pixel) => {
      file.writeUIntBE(value, 8 + (pixel * bands.length + band) * bytes, bytes);
    });
  }
  for (let y = 0; y < height; y++) {
    file.writeUInt32BE(8 + y * row, offsets + 4 * y);
    file.writeUInt32BE(row, counts + 4 * y);
  }
  file.writeUInt16BE(tags.length, directory);
  tags.forEach(([tag, type, count, value], index) => {
    const at = directory + 2 + index * 12;
    file.writeUInt16BE(tag, at);
    file.writeUInt16BE(type, at + 2);
    file.writeUInt32BE(count, at + 4);
    if (type === 3 && count === 1) file.writeUInt16BE(value, at + 8);
    else file.writeUInt32BE(value, at + 8);
  });
  return file;
}
