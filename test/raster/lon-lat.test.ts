/** Longitude and latitude of a raster: PROJ's, or none. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { GeoTag } from '../../lib/raster/georeference.js';
import { GeoTiffWriter } from '../../lib/raster/geotiff-writer.js';
import { placingOf } from '../../lib/raster/lon-lat.js';
import { Raster } from '../../lib/raster/raster.js';
import { temporaryFolder } from '../data/pictures.js';

interface Fixture {
  tags: Record<string, number[] | string>;
  place: [lon: number, lat: number];
}
const fixtures = JSON.parse(await readFile(join(import.meta.dirname, '../fixtures/places.json'), 'utf8')) as Record<
  string,
  Fixture
>;

/** Side of the fixtures' rasters, pixels. */
const SIDE = 20;

/** Opens a raster of nothing with these tags, and places it. */
async function placed(tags: Fixture['tags']) {
  const path = join(await temporaryFolder(), 'a.tif');
  const typed = Object.entries(tags).map(
    ([code, values]): GeoTag => ({
      code: Number(code),
      type: typeof values === 'string' ? 2 : code === '34735' ? 3 : 12,
      values,
    }),
  );
  const writer = await GeoTiffWriter.create(path, { width: SIDE, height: SIDE, tags: typed });
  await writer.write(new Uint8Array(SIDE * SIDE));
  await writer.finish();
  const raster = await Raster.open(path);
  await raster.close();
  return placingOf(raster.georeference, raster);
}

/** Codes of the GeoKeys of {@link placedBy}. */
const CODES: Readonly<Record<string, number>> = {
  GTModelTypeGeoKey: 1024,
  GTCitationGeoKey: 1026,
  GeographicTypeGeoKey: 2048,
  GeogEllipsoidGeoKey: 2056,
  ProjectedCSTypeGeoKey: 3072,
  PCSCitationGeoKey: 3073,
  ProjCoordTransGeoKey: 3075,
  ProjLinearUnitsGeoKey: 3076,
  VerticalCSTypeGeoKey: 4096,
};

type Keys = Readonly<Record<string, number | string>>;
interface Lie {
  pixel?: number | [width: number, height: number];
  corner?: [x: number, y: number];
}

/** Places a raster with GeoKeys by name; without any there is no directory of them. */
function placedBy(keys: Keys, { pixel = 10, corner = [500_000, 5_000_000] }: Lie = {}) {
  let text = '';
  const entries = Object.entries(keys).flatMap(([name, value]) => {
    if (typeof value === 'number') return [CODES[name]!, 0, 1, value];
    text += `${value}|`;
    return [CODES[name]!, 34737, value.length + 1, text.length - value.length - 1];
  });
  const sides = typeof pixel === 'number' ? [pixel, pixel] : pixel;
  const tags = { 33550: [...sides, 0], 33922: [0, 0, 0, ...corner, 0] };
  const directory = { 34735: [1, 1, 0, entries.length / 4, ...entries] };
  return placed({ ...tags, ...(entries.length === 0 ? {} : directory), ...(text === '' ? {} : { 34737: text }) });
}

const IN_PIXELS = 'its polygons are in pixels, not in longitude and latitude';
const expectNone = ({ toLonLat, remarks }: Awaited<ReturnType<typeof placed>>, why: string) => {
  expect(toLonLat).toBeUndefined();
  expect(remarks).toEqual([`${why}: ${IN_PIXELS}`]);
};

describe('as GDAL writes it: the place that PROJ finds', () => {
  /** Systems that are not read, as proj4 or the table of codes would be wrong about them. */
  const UNKNOWN = /^(krovak|india in yards|own (omerc|mill|geos|eqearth))$|^own mill, ESRI$/;
  /** Systems whose shift to WGS 84 is not known, some 150 m. */
  const OLDER = ['grads from Paris', 'switzerland', 'krovak, east and north', 'britain'];

  test.each(Object.keys(fixtures))('%s', async (name) => {
    const { tags, place } = fixtures[name]!;
    const { toLonLat, remarks } = await placed(tags);
    if (UNKNOWN.test(name)) {
      expect(toLonLat).toBeUndefined();
      expect(remarks).toEqual([expect.stringMatching(`system.*: ${IN_PIXELS}`)]);
      return;
    }
    const [lon, lat] = toLonLat!(SIDE / 2, SIDE / 2);
    const distance = Math.hypot((lon - place[0]) * Math.cos((lat * Math.PI) / 180), lat - place[1]) * 111_000;
    expect(distance).toBeLessThan(OLDER.includes(name) ? 200 : 5);
    if (OLDER.includes(name)) expect(remarks).toEqual([expect.stringContaining('has an older datum')]);
  });
});

describe('keys that disagree', () => {
  const UTM = { ProjectedCSTypeGeoKey: 32618 };
  const WGS = { GeographicTypeGeoKey: 4326 };
  const DEGREES: Lie = { pixel: 0.001, corner: [-74.98, 45.14] };
  const near = ({ toLonLat }: Awaited<ReturnType<typeof placed>>, lon: number, lat: number) => {
    const found = toLonLat!(0, 0);
    expect(found[0]).toBeCloseTo(lon, 4);
    expect(found[1]).toBeCloseTo(lat, 4);
  };
  // PROJ: of 500000, 5000000 in EPSG:32618.
  const [LON, LAT] = [-75, 45.153484];

  test.each([
    ['both codes', { GTModelTypeGeoKey: 1, ...WGS, ...UTM }],
    ['both codes, the geographic one user-defined', { GTModelTypeGeoKey: 1, GeographicTypeGeoKey: 32767, ...UTM }],
    ['both codes, no model type', { ...WGS, ...UTM }],
    ['a model type that is user-defined', { GTModelTypeGeoKey: 32767, ...UTM }],
    ['an unknown vertical code', { GTModelTypeGeoKey: 1, ...UTM, VerticalCSTypeGeoKey: 9999 }],
    ['a stale ellipsoid', { GTModelTypeGeoKey: 1, ...UTM, GeogEllipsoidGeoKey: 7004 }],
  ])('%s: the projected one', async (_name, keys) => {
    near(await placedBy(keys), LON, LAT);
  });

  test('both codes, and the model type says degrees', async () => {
    near(await placedBy({ GTModelTypeGeoKey: 2, ...WGS, ...UTM }, DEGREES), -74.98, 45.14);
    near(await placedBy({ GTModelTypeGeoKey: 2 }, DEGREES), -74.98, 45.14);
  });

  const NOT_KNOWN = 'has a coordinate system that is not known';
  test.each([
    ['a model type without a code', { GTModelTypeGeoKey: 1 }],
    ['a projected model with a geographic code alone', { GTModelTypeGeoKey: 1, ...WGS }],
    ['a projected key with the code of degrees', { GTModelTypeGeoKey: 1, ProjectedCSTypeGeoKey: 4326 }],
    ['a geographic key with the code of metres', { GTModelTypeGeoKey: 2, GeographicTypeGeoKey: 32618 }],
    ['a projected key with the code of a height', { GTModelTypeGeoKey: 1, ProjectedCSTypeGeoKey: 5773 }],
    ['user-defined without a method', { GTModelTypeGeoKey: 1, ...WGS, ProjectedCSTypeGeoKey: 32767 }],
    ['a code that the table is wrong about', { GTModelTypeGeoKey: 1, ProjectedCSTypeGeoKey: 3973 }],
    ['an unknown code', { GTModelTypeGeoKey: 1, ...WGS, ProjectedCSTypeGeoKey: 1 }],
    ['an unknown method', { GTModelTypeGeoKey: 1, ...WGS, ProjectedCSTypeGeoKey: 32767, ProjCoordTransGeoKey: 99 }],
    ['a unit that is not known', { GTModelTypeGeoKey: 1, ...UTM, ProjLinearUnitsGeoKey: 1 }],
    ['geocentric', { GTModelTypeGeoKey: 3, GeographicTypeGeoKey: 4978 }],
    [
      "a text of ESRI's that proj4 misreads",
      {
        GTModelTypeGeoKey: 1,
        GTCitationGeoKey:
          'ESRI PE String = PROJCS["a",GEOGCS["b",DATUM["D_WGS_1984",SPHEROID["WGS_1984",6378137.0,298.257223563]],PRIMEM["Greenwich",0.0],UNIT["Degree",0.0174532925199433]],PROJECTION["Mercator"],PARAMETER["Standard_Parallel_1",30.0],UNIT["Meter",1.0]]',
      },
    ],
    ['a text of nothing', { GTModelTypeGeoKey: 1, GTCitationGeoKey: 'my own grid' }],
  ])('%s: none', async (_name, keys) => {
    expectNone(await placedBy(keys), NOT_KNOWN);
  });

  test("ESRI's text where the keys don't suffice", async () => {
    const wkt =
      'ESRI PE String = PROJCS["a",GEOGCS["b",DATUM["D_WGS_1984",SPHEROID["WGS_1984",6378137.0,298.257223563]],PRIMEM["Greenwich",0.0],' +
      'UNIT["Degree",0.0174532925199433]],PROJECTION["Transverse_Mercator"],PARAMETER["False_Easting",500000.0],PARAMETER["False_Northing",0.0],' +
      'PARAMETER["Central_Meridian",-75.0],PARAMETER["Scale_Factor",0.9996],PARAMETER["Latitude_Of_Origin",0.0],UNIT["Meter",1.0]]';
    near(await placedBy({ GTModelTypeGeoKey: 1, ProjectedCSTypeGeoKey: 32767, PCSCitationGeoKey: wkt }), LON, LAT);
    near(await placedBy({ GTModelTypeGeoKey: 1, GTCitationGeoKey: wkt }), LON, LAT);
    expectNone(
      await placedBy({ GTModelTypeGeoKey: 2, GTCitationGeoKey: wkt }),
      'lies where its coordinate system does not reach (its corner is at 500000, 5000000)',
    );
  });

  test('no keys at all', async () => {
    expectNone(await placedBy({}), 'names no coordinate system');
    expectNone(await placedBy({}, DEGREES), 'names no coordinate system');
  });

  test('metres that are called degrees', async () => {
    const said = 'lies where its coordinate system does not reach (its corner is at 500000, 5000000)';
    expectNone(await placedBy({ GTModelTypeGeoKey: 2, ...WGS }), said);
    expectNone(await placedBy({ GTModelTypeGeoKey: 2 }), said);
  });

  test('metres beyond what the projection is for', async () => {
    expectNone(
      await placedBy({ GTModelTypeGeoKey: 1, ...UTM }, { corner: [5e8, 5e8] }),
      'lies where its coordinate system does not reach (its corner is at 500000000, 500000000)',
    );
  });
});

describe('where longitudes begin', () => {
  const degrees = { GTModelTypeGeoKey: 2, GeographicTypeGeoKey: 4326 };

  test('degrees from 0 to 360 are told from -180 to 180', async () => {
    const { toLonLat, remarks } = await placedBy(degrees, { pixel: 0.001, corner: [285, 45] });
    expect(toLonLat!(0, 0)).toEqual([-75, 45]);
    expect(remarks).toEqual([]);
  });

  test('a picture over the meridian of 180 degrees is not torn', async () => {
    const fiji = { GTModelTypeGeoKey: 1, ProjectedCSTypeGeoKey: 32760 };
    const { toLonLat, remarks } = await placedBy(fiji, { pixel: 100, corner: [816_300, 8_000_000] });
    const [west, east] = [toLonLat!(0, 0)[0], toLonLat!(SIDE, 0)[0]];
    expect(east - west).toBeGreaterThan(0);
    expect(east - west).toBeLessThan(0.1);
    expect(remarks).toEqual(['reaches over the meridian of 180 degrees: longitudes beyond it go on counting']);
  });

  test('a map of the whole earth, with a half pixel over its poles', async () => {
    const { toLonLat } = await placedBy(degrees, { pixel: [18.05, 9.05], corner: [-180.5, 90.5] });
    expect(toLonLat!(0, 0)).toEqual([-180.5, 90]);
    expect(toLonLat!(SIDE, 10)[0]).toBeCloseTo(180.5);
  });

  test('a picture that holds a pole says so', async () => {
    const pole = { GTModelTypeGeoKey: 1, ProjectedCSTypeGeoKey: 3413 };
    const { toLonLat, remarks } = await placedBy(pole, { corner: [-100, 100] });
    expect(toLonLat!(10, 10)[1]).toBeCloseTo(90, 6);
    expect(remarks).toEqual(['holds a pole: polygons around it are cut open where longitudes begin']);
  });
});
