/** Where a raster lies: the GeoTIFF tags as they are (they are copied to the mask), and pixel -> longitude and latitude. */
import type { GeoTIFFImage } from 'geotiff';
import type { ProjectionParameters } from 'geotiff-geokeys-to-proj4';

/** A tag of the GeoTIFF standard (OGC 19-008r4), ready to be written again. */
export interface GeoTag {
  readonly code: number;
  /** TIFF types: 2 ASCII, 3 SHORT, 12 DOUBLE. */
  readonly type: 2 | 3 | 12;
  readonly values: readonly number[] | string;
}

type Affine = readonly [a: number, b: number, c: number, d: number, e: number, f: number];

interface Size {
  readonly width: number;
  readonly height: number;
}

/** Where a raster lies. */
export interface Georeference {
  /** GeoTIFF tags of the raster, as they are in its file. */
  readonly tags: readonly GeoTag[];
  /** Affine map from the corner of a pixel to the raster's own coordinates: x = a column + b row + c, y = d column + e row + f. */
  readonly affine: Affine;
  /** GeoKeys by name. */
  readonly keys: Readonly<Record<string, unknown>>;
}

const TAGS = [
  { code: 33550, name: 'ModelPixelScale', type: 12 },
  { code: 33922, name: 'ModelTiepoint', type: 12 },
  { code: 34264, name: 'ModelTransformation', type: 12 },
  { code: 34735, name: 'GeoKeyDirectory', type: 3 },
  { code: 34736, name: 'GeoDoubleParams', type: 12 },
  { code: 34737, name: 'GeoAsciiParams', type: 2 },
] as const;

/** GeoKey that says what coordinates mean: the corner of a pixel, or its middle. */
const RASTER_TYPE = 1025;
const PIXEL_IS_AREA = 1;
const PIXEL_IS_POINT = 2;

/** Reads where an image lies; undefined where its file does not say. */
export async function readGeoreference(image: GeoTIFFImage): Promise<Georeference | undefined> {
  const tags: GeoTag[] = [];
  for (const { code, name, type } of TAGS) {
    if (!image.fileDirectory.hasTag(name)) continue;
    const value: unknown = await image.fileDirectory.loadValue(name);
    const values = typeof value === 'string' ? value.replace(/\0+$/, '') : Array.from(value as ArrayLike<number>);
    tags.push({ code, type, values });
  }
  const keys = (image.getGeoKeys() ?? {}) as Record<string, unknown>;
  const affine = affineOf(tags, keys.GTRasterTypeGeoKey === PIXEL_IS_POINT);
  return affine === undefined ? undefined : { tags, affine, keys };
}

/** Value of TIFF's tag Orientation: which side of the picture its first row and first column are (TIFF 6.0; 1: top and left). */
export type Orientation = 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8;

/** Maps a corner of an upright pixel to the corner of the same pixel as it is stored, by orientation: an affine map as {@link Georeference}'s. */
function toStored(orientation: Orientation, { width: w, height: h }: Size): Affine {
  const maps: Readonly<Record<Orientation, Affine>> = {
    1: [1, 0, 0, 0, 1, 0],
    2: [-1, 0, w, 0, 1, 0],
    3: [-1, 0, w, 0, -1, h],
    4: [1, 0, 0, 0, -1, h],
    5: [0, 1, 0, 1, 0, 0],
    6: [0, 1, 0, -1, 0, h],
    7: [0, -1, w, -1, 0, h],
    8: [0, -1, w, 1, 0, 0],
  };
  return maps[orientation];
}

/**
 * Turns the georeference of a stored picture as its orientation turns the picture: a corner of an upright pixel lies where it lay.
 *
 * @param stored Size of the picture as it is stored.
 */
export function turned(georeference: Georeference, orientation: Orientation, stored: Size): Georeference {
  if (orientation === 1) return georeference;
  const [a, b, c, d, e, f] = georeference.affine;
  const [p, q, r, s, t, u] = toStored(orientation, stored);
  const affine: Affine = [
    a * p + b * s,
    a * q + b * t,
    a * r + b * u + c,
    d * p + e * s,
    d * q + e * t,
    d * r + e * u + f,
  ];
  const [g, h, i, j, k, l] = affine;
  const matrix: GeoTag = { code: 34264, type: 12, values: [g, h, 0, i, j, k, 0, l, 0, 0, 0, 0, 0, 0, 0, 1] };
  const kept = georeference.tags.filter(({ code }) => code > 34264);
  return ofCorners({ tags: [matrix, ...kept], affine, keys: georeference.keys });
}

/** Makes the GeoKeys say what the affine map says: that coordinates mean the corner of a pixel. */
function ofCorners({ tags, affine, keys }: Georeference): Georeference {
  if (keys.GTRasterTypeGeoKey !== PIXEL_IS_POINT) return { tags, affine, keys };
  return { tags: tags.map(withCorners), affine, keys: { ...keys, GTRasterTypeGeoKey: PIXEL_IS_AREA } };
}

function withCorners(tag: GeoTag): GeoTag {
  if (tag.code !== 34735 || typeof tag.values === 'string') return tag;
  const values = [...tag.values];
  // Four numbers a key behind a header of four: the key, where its value lies, how many, the value.
  for (let at = 4; at < values.length; at += 4) if (values[at] === RASTER_TYPE) values[at + 3] = PIXEL_IS_AREA;
  return { ...tag, values };
}

function affineOf(tags: readonly GeoTag[], isPoint: boolean): Georeference['affine'] | undefined {
  const numbers = (code: number) => tags.find((tag) => tag.code === code)?.values as readonly number[] | undefined;
  const [scale, tie, matrix] = [numbers(33550), numbers(33922), numbers(34264)];
  let affine: [number, number, number, number, number, number];
  if (matrix !== undefined && matrix.length >= 8) {
    affine = [matrix[0]!, matrix[1]!, matrix[3]!, matrix[4]!, matrix[5]!, matrix[7]!];
  } else if (scale !== undefined && tie !== undefined && tie.length >= 6) {
    const [i, j, , x, y] = tie as [number, number, number, number, number, number];
    affine = [scale[0]!, 0, x - i * scale[0]!, 0, -scale[1]!, y + j * scale[1]!];
  } else return undefined;
  if (isPoint) {
    const [a, b, c, d, e, f] = affine;
    return [a, b, c - (a + b) / 2, d, e, f - (d + e) / 2];
  }
  return affine;
}

/** Map from a corner of a pixel to longitude and latitude (WGS 84, degrees). */
export type ToLonLat = (column: number, row: number) => readonly [lon: number, lat: number];

/** Equatorial radius of WGS 84 and GRS 80, metres. */
const MODERN_RADIUS = 6_378_137;

/** Tells whether the datum's shift to WGS 84 is known; of some older ones (OSGB 36, ED 50) it is not, and places are some 100 m off. */
export async function datumIsKnown({ keys }: Georeference): Promise<boolean> {
  const system = (await systemOf(keys))?.proj4 ?? '';
  const radius = Number(/\+a=([\d.]+)/.exec(system)?.[1] ?? MODERN_RADIUS);
  return Math.abs(radius - MODERN_RADIUS) < 1 || /\+(towgs84|datum|nadgrids)=/.test(system);
}

/** Loads the table of coordinate systems only now: it is large, and few programs need it. */
async function systemOf(keys: Georeference['keys']): Promise<ProjectionParameters | undefined> {
  const { toProj4 } = await import('geotiff-geokeys-to-proj4');
  try {
    return toProj4(keys as unknown as Parameters<typeof toProj4>[0]);
  } catch {
    return undefined;
  }
}

/** Makes the map to longitude and latitude; undefined where proj4 doesn't know the raster's coordinate system. */
export async function toLonLat({ affine, keys }: Georeference): Promise<ToLonLat | undefined> {
  const [a, b, c, d, e, f] = affine;
  const system = await systemOf(keys);
  if (system === undefined || system.proj4 === '' || system.proj4.includes('undefined')) return undefined;
  const { default: proj4 } = await import('proj4');
  try {
    const units = system.coordinatesConversionParameters;
    const transform = proj4(system.proj4, 'WGS84');
    const place = (column: number, row: number): readonly [number, number] => {
      const [lon, lat] = transform.forward([
        (a * column + b * row + c) * units.x,
        (d * column + e * row + f) * units.y,
      ]) as [number, number];
      return [lon, lat];
    };
    return place(0, 0).every(Number.isFinite) ? place : undefined;
  } catch {
    return undefined;
  }
}
