import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { placingOf } from '../../lib/raster/lon-lat.js';
import { doubleArea, type Outline, simplifyRing, toOutline } from '../../lib/raster/outline.js';
import { type PolygonOptions, PolygonWriter } from '../../lib/raster/polygons.js';
import { Raster } from '../../lib/raster/raster.js';
import { type Ring, RingTracer } from '../../lib/raster/rings.js';
import { temporaryFolder } from '../data/pictures.js';
import { geoTiff, rasterFile } from './rasters.js';

/** Rows of `#` and `.`. */
function drawn(...rows: string[]): { mask: Uint8Array; width: number } {
  return { mask: Uint8Array.from(rows.join(''), (pixel) => (pixel === '#' ? 255 : 0)), width: rows[0]!.length };
}

function outlines(mask: Uint8Array, width: number): Outline[] {
  const found: Outline[] = [];
  const tracer = new RingTracer(width, (object) => found.push(toOutline(object)));
  for (let at = 0; at < mask.length; at += width) tracer.add(mask.subarray(at, at + width));
  tracer.finish();
  return found;
}

/** Even-odd rule at the middle of each pixel. */
function filled(rings: readonly Ring[], width: number, height: number): Uint8Array {
  return Uint8Array.from({ length: width * height }, (_, at) => {
    const [px, py] = [(at % width) + 0.5, Math.floor(at / width) + 0.5];
    let crossings = 0;
    for (const ring of rings) {
      ring.forEach(([x, y], index) => {
        const [x2, y2] = ring[(index + 1) % ring.length]!;
        if (y > py !== y2 > py && px < x + ((py - y) * (x2 - x)) / (y2 - y)) crossings++;
      });
    }
    return crossings % 2 === 1 ? 255 : 0;
  });
}

async function written(mask: Uint8Array, options: PolygonOptions) {
  const path = join(await temporaryFolder(), 'polygons.geojson');
  const writer = await PolygonWriter.create(path, options);
  await writer.write(mask);
  await writer.finish();
  return JSON.parse(await readFile(path, 'utf8')) as {
    type: string;
    coordinates?: string;
    features: { properties: { pixels: number }; geometry: { type: string; coordinates: [number, number][][] } }[];
  };
}

describe('outlines', () => {
  test('a ring of pixels has a hole; what lies in the hole is an object of its own', () => {
    const { mask, width } = drawn('#####', '#...#', '#.#.#', '#...#', '#####');
    const found = outlines(mask, width);
    expect(found).toHaveLength(2);
    expect(found[0]!.holes).toHaveLength(0);
    expect(found[1]!.outer).toHaveLength(4);
    expect(found[1]!.holes).toHaveLength(1);
  });

  test('pixels that touch at a corner are two objects; an outline that touches itself is cut', () => {
    const apart = drawn('#.', '.#');
    expect(outlines(apart.mask, apart.width)).toHaveLength(2);
    const closedAtCorner = drawn('###', '#.#', '##.');
    const [one, ...others] = outlines(closedAtCorner.mask, closedAtCorner.width);
    expect(others).toEqual([]);
    expect(one!.holes).toEqual([expect.arrayContaining([[1, 1]])]);
    const twoHoles = drawn('####', '#.##', '##.#', '####');
    expect(outlines(twoHoles.mask, twoHoles.width)[0]!.holes).toHaveLength(2);
  });

  test('property: rasterised they are the mask again, as simple rings, outer ones clockwise on the screen', () => {
    const side = fc.integer({ min: 1, max: 14 });
    fc.assert(
      fc.property(
        side,
        side,
        fc.infiniteStream(fc.integer({ min: 0, max: 99 })),
        fc.integer({ min: 10, max: 90 }),
        (width, height, draws, share) => {
          const mask = Uint8Array.from({ length: width * height }, () => (draws.next().value < share ? 255 : 0));
          const found = outlines(mask, width);
          const together = new Uint8Array(mask.length);
          for (const { outer, holes } of found) {
            expect(doubleArea(outer)).toBeGreaterThan(0);
            for (const hole of holes) expect(doubleArea(hole)).toBeLessThan(0);
            for (const ring of [outer, ...holes]) expect(new Set(ring.map(String)).size).toBe(ring.length);
            const own = filled([outer, ...holes], width, height);
            own.forEach((value, at) => {
              if (value === 255) expect(together[at]).toBe(0);
              together[at]! |= value;
            });
          }
          expect(together).toEqual(mask);
        },
      ),
      { numRuns: 300 },
    );
  });
});

describe('simplify', () => {
  test('a staircase becomes a line, and no corner is further from it than the tolerance', () => {
    const stairs: [number, number][] = [];
    for (let step = 0; step < 50; step++) stairs.push([step, step], [step + 1, step]);
    const ring: Ring = [...stairs, [50, 50], [0, 50]];
    const simple = simplifyRing(ring, 1);
    expect(simple.length).toBeLessThan(6);
    expect(Math.abs(doubleArea(simple) - doubleArea(ring))).toBeLessThan(2 * 60);
    expect(simplifyRing(ring, 0)).toBe(ring);
  });

  test('property: a ring keeps its direction and at least three corners', () => {
    const side = 12;
    const pixels = fc.array(fc.boolean(), { minLength: side * side, maxLength: side * side });
    fc.assert(
      fc.property(pixels, fc.double({ min: 0.1, max: 20, noNaN: true }), (values, tolerance) => {
        for (const { outer, holes } of outlines(Uint8Array.from(values, Number), side)) {
          for (const ring of [outer, ...holes]) {
            const simple = simplifyRing(ring, tolerance);
            expect(simple.length).toBeGreaterThanOrEqual(3);
            expect(Math.sign(doubleArea(simple))).toBe(Math.sign(doubleArea(ring)));
          }
        }
      }),
    );
  });
});

describe('GeoJSON', () => {
  const { mask, width } = drawn('.####', '.#..#', '.####');

  test('in longitude and latitude, outer rings counter-clockwise, closed', async () => {
    const raster = await Raster.open(await rasterFile('a.tif', geoTiff([new Uint8Array(15)], 5, 3)));
    const { toLonLat } = await placingOf(raster.georeference, raster);
    const { features, ...rest } = await written(mask, { width, toLonLat });
    await raster.close();
    expect(rest).toEqual({ type: 'FeatureCollection' });
    const [outer, hole] = features[0]!.geometry.coordinates;
    expect(features[0]!.properties.pixels).toBe(10);
    expect(outer![0]).toEqual(outer!.at(-1));
    // GDAL says 99d10'32.51"W, 47d 1'49.11"N of this raster's corner; the object begins 5 m to the east.
    const west = Math.min(...outer!.map(([lon]) => lon));
    const north = Math.max(...outer!.map(([, lat]) => lat));
    expect(west).toBeCloseTo(-(99 + 10 / 60 + 32.51 / 3600) + 5 / 76_000, 5);
    expect(north).toBeCloseTo(47 + 1 / 60 + 49.11 / 3600, 5);
    expect(doubleArea(outer!.slice(1))).toBeGreaterThan(0);
    expect(doubleArea(hole!.slice(1))).toBeLessThan(0);
  });

  test.each([
    // proj's own answers, by gdalinfo.
    [3857, [3.5932611, 5.3819597], true],
    [32646, [92.0973419, 5.4275513], true],
    [3413, [101.3099325, 83.3504003], true],
    [27700, [-2, 55.2940761], false],
  ])('EPSG:%s', async (code, [lon, lat], known) => {
    const place = {
      ModelPixelScale: [5, 5, 0],
      ModelTiepoint: [0, 0, 0, 400_000, 600_000, 0],
      GTModelTypeGeoKey: 1,
      GTRasterTypeGeoKey: 1,
      ProjectedCSTypeGeoKey: code,
    };
    const raster = await Raster.open(await rasterFile('a.tif', geoTiff([new Uint8Array(4)], 2, 2, { place })));
    const { toLonLat, remarks } = await placingOf(raster.georeference, raster);
    const found = toLonLat!(0, 0);
    expect(found[0]).toBeCloseTo(lon!, 6);
    expect(found[1]).toBeCloseTo(lat!, 6);
    expect(remarks).toEqual(known ? [] : [expect.stringContaining('has an older datum')]);
    await raster.close();
  });

  test('without a georeference in pixels, and says so', async () => {
    const { features, coordinates } = await written(mask, { width });
    expect(coordinates).toContain('pixels');
    expect(features[0]!.geometry.coordinates[0]).toContainEqual([1, 0]);
  });

  test('an empty mask is a collection without features', async () => {
    expect(await written(new Uint8Array(9), { width: 3 })).toMatchObject({ type: 'FeatureCollection', features: [] });
  });
});
