/** Where a raster lies: turned with the picture. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { expect, test } from 'vitest';
import { type Georeference, type Orientation, turned } from '../../lib/raster/georeference.js';
import { GeoTiffWriter } from '../../lib/raster/geotiff-writer.js';
import { Raster } from '../../lib/raster/raster.js';
import { picture, temporaryFolder } from '../data/pictures.js';
import { geoTiff, UTM } from './rasters.js';

async function georeferenceOf(content: Uint8Array): Promise<Georeference> {
  const raster = await Raster.open('a.tif', content);
  await raster.close();
  return raster.georeference!;
}

/** Place of the middle of a pixel. */
function middle({ affine }: Georeference, column: number, row: number): [number, number] {
  const [a, b, c, d, e, f] = affine!;
  const [x, y] = [column + 0.5, row + 0.5];
  return [a * x + b * y + c, d * x + e * y + f];
}

const [WIDTH, HEIGHT] = [5, 3];
const ORIENTATIONS: Orientation[] = [1, 2, 3, 4, 5, 6, 7, 8];
const { ModelPixelScale, ModelTiepoint, ...keys } = UTM;
const SKEWED = { ...keys, ModelTransformation: [5, 1, 0, 4e5, 0.5, -4, 0, 6e6, 0, 0, 0, 0, 0, 0, 0, 1] };

test.each(
  ORIENTATIONS.flatMap((orientation) =>
    [UTM, { ...UTM, GTRasterTypeGeoKey: 2 }, SKEWED].map((place) => ({ orientation, place })),
  ),
)(
  'orientation $orientation: each pixel of the upright picture lies where it lay ($place)',
  async ({ orientation, place }) => {
    const values = Uint8Array.from({ length: WIDTH * HEIGHT }, (_, at) => at);
    // The upright picture is libvips' own.
    const stored = await picture(values, WIDTH, HEIGHT, 1)
      .withMetadata({ orientation })
      .tiff({ compression: 'none' })
      .toBuffer();
    const upright = await sharp(stored).autoOrient().toColourspace('b-w').raw().toBuffer({ resolveWithObject: true });
    const { width, height } = upright.info;
    const before = await georeferenceOf(geoTiff([values], WIDTH, HEIGHT, { place }));
    const after = turned(before, orientation, { width: WIDTH, height: HEIGHT });
    upright.data.forEach((value, at) => {
      const found = middle(after, at % width, Math.floor(at / width));
      const right = middle(before, value % WIDTH, Math.floor(value / WIDTH));
      for (const axis of [0, 1]) expect(found[axis]).toBeCloseTo(right[axis]!, 6);
    });
    const path = join(await temporaryFolder(), 'mask.tif');
    const writer = await GeoTiffWriter.create(path, { width, height, tags: after.tags });
    await writer.write(upright.data);
    await writer.finish();
    expect(await georeferenceOf(await readFile(path))).toEqual(after);
    expect(after.keys.ProjectedCSTypeGeoKey).toBe(32614);
  },
);

test.each(ORIENTATIONS)('orientation %s: control points turn with the picture', (orientation) => {
  const affine = [5, 1, 4e5, 0.5, -4, 6e6] as const;
  const placed = (column: number, row: number, by: readonly number[]) =>
    [by[0]! * column + by[1]! * row + by[2]!, by[3]! * column + by[4]! * row + by[5]!] as const;
  const corners = [0, 0, WIDTH, 0, 0, HEIGHT, 1, 2];
  for (const half of [0, 0.5]) {
    const values = [0, 2, 4, 6].flatMap((at) => {
      const [column, row] = [corners[at]!, corners[at + 1]!];
      return [column - half, row - half, 0, ...placed(column, row, affine), 7];
    });
    const keys = half === 0 ? {} : { GTRasterTypeGeoKey: 2 };
    const stored = { width: WIDTH, height: HEIGHT };
    const tags = [{ code: 33922, type: 12, values }] as const;
    const { tags: after, affine: none } = turned({ tags, affine: undefined, keys }, orientation, stored);
    const whole = turned({ tags: [], affine, keys: {} }, orientation, stored).affine!;
    const points = after[0]!.values as number[];
    const rest = orientation === 1 ? half : 0; // left as it was
    for (let at = 0; at < points.length; at += 6) {
      const found = placed(points[at]! + rest, points[at + 1]! + rest, whole);
      expect(found[0]).toBeCloseTo(points[at + 3]!, 6);
      expect(found[1]).toBeCloseTo(points[at + 4]!, 6);
    }
    expect(none).toBeUndefined();
  }
});
