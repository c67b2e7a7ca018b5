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
