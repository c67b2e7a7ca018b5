/** Where a raster lies: the GeoTIFF tags as they are (they are copied to the mask), and what they say. */
import type { GeoTIFFImage } from 'geotiff';
import { turnOf } from './tiff/orientation.js';

/** A tag of the GeoTIFF standard (OGC 19-008r4), ready to be written again. */
export interface GeoTag {
  readonly code: number;
  /** TIFF types: 2 ASCII, 3 SHORT, 12 DOUBLE. */
  readonly type: 2 | 3 | 12;
  readonly values: readonly number[] | string;
}

/** Affine map: x = a column + b row + c, y = d column + e row + f. */
export type Affine = readonly [a: number, b: number, c: number, d: number, e: number, f: number];

/** GeoKeys by name. */
export type GeoKeys = Readonly<Record<string, unknown>>;

interface Size {
  readonly width: number;
  readonly height: number;
}

/** Where a raster lies. */
export interface Georeference {
  /** GeoTIFF tags of the raster, as they are in its file. */
  readonly tags: readonly GeoTag[];
  /** Map from the corner of a pixel to the raster's own coordinates; undefined: it is placed by control points or a camera model. */
  readonly affine: Affine | undefined;
  /** GeoKeys by name. */
  readonly keys: GeoKeys;
}

const [SCALE, TIEPOINTS, MATRIX, GEO_KEYS, GEO_DOUBLES, GEO_TEXTS] = [33550, 33922, 34264, 34735, 34736, 34737];
/** Tag of a camera's model, 92 numbers (GDAL, DigitalGlobe). */
const CAMERA = 50844;
const TAGS = [SCALE, TIEPOINTS, MATRIX, GEO_KEYS, GEO_DOUBLES, GEO_TEXTS, CAMERA];
const [ASCII, SHORT, DOUBLE] = [2, 3, 12] as const;

/** GeoKey that says what coordinates mean: the corner of a pixel, or its middle. */
const RASTER_TYPE = 1025;
const PIXEL_IS_AREA = 1;
const PIXEL_IS_POINT = 2;

/** Reads where an image lies; undefined where its file does not say. */
export async function readGeoreference(image: GeoTIFFImage): Promise<Georeference | undefined> {
  const tags: GeoTag[] = [];
  for (const code of TAGS) {
    if (!image.fileDirectory.hasTag(code)) continue;
    const value: unknown = await image.fileDirectory.loadValue(code);
    if (typeof value === 'string') tags.push({ code, type: ASCII, values: value.replace(/\0+$/, '') });
    else tags.push({ code, type: code === GEO_KEYS ? SHORT : DOUBLE, values: Array.from(value as ArrayLike<number>) });
  }
  const keys = keysOf(image);
  const affine = affineOf(tags, keys.GTRasterTypeGeoKey === PIXEL_IS_POINT);
  const lies = affine !== undefined || tags.some(({ code }) => code === TIEPOINTS || code === CAMERA);
  return lies ? { tags, affine, keys } : undefined;
}

/** Reads the GeoKeys; none where they point to texts or numbers that the file doesn't have. */
function keysOf(image: GeoTIFFImage): GeoKeys {
  try {
    return (image.getGeoKeys() ?? {}) as Record<string, unknown>;
  } catch {
    return {};
  }
}

function numbersOf(tags: readonly GeoTag[], code: number): readonly number[] | undefined {
  const values = tags.find((tag) => tag.code === code)?.values;
  return typeof values === 'string' ? undefined : values;
}

function affineOf(tags: readonly GeoTag[], isPoint: boolean): Affine | undefined {
  const [scale, tie, matrix] = [SCALE, TIEPOINTS, MATRIX].map((code) => numbersOf(tags, code) ?? []);
  let affine: Affine;
  if (scale!.length >= 2 && tie!.length >= 6) {
    const [i, j, , x, y] = tie as [number, number, number, number, number];
    const [dx, dy] = scale as [number, number];
    // Rows go south, whatever a writer's sign says (GDAL).
    affine = [dx, 0, x - i * dx, 0, -Math.abs(dy), y + j * Math.abs(dy)];
  } else if (matrix!.length >= 8) {
    const [g, h, , i, j, k, , l] = matrix as [number, number, number, number, number, number, number, number];
    affine = [g, h, i, j, k, l];
  } else return undefined;
  const [a, b, c, d, e, f] = affine;
  // Without an area, GDAL takes tie points for control points.
  if (!Number.isFinite(c + f) || !(Math.abs(a * e - b * d) > 0)) return undefined;
  return isPoint ? [a, b, c - (a + b) / 2, d, e, f - (d + e) / 2] : affine;
}

/** Value of TIFF's tag Orientation: which side of the picture its first row and first column are (TIFF 6.0; 1: top and left). */
export type Orientation = 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8;

/** Maps a corner of an upright pixel to the corner of the same pixel as it is stored. */
function toStored(orientation: Orientation, { width, height }: Size): Affine {
  const { swaps, againstX, againstY } = turnOf(orientation);
  const [x, y] = [againstX ? -1 : 1, againstY ? -1 : 1];
  const offsets = [againstX ? width : 0, againstY ? height : 0] as const;
  return swaps ? [0, x, offsets[0], y, 0, offsets[1]] : [x, 0, offsets[0], 0, y, offsets[1]];
}

/**
 * Turns the georeference of a stored picture as its orientation turns the picture: a corner of an upright pixel lies where it lay. A camera's
 * model doesn't turn, and is left out.
 *
 * @param stored Size of the picture as it is stored.
 */
export function turned(georeference: Georeference, orientation: Orientation, stored: Size): Georeference {
  if (orientation === 1) return georeference;
  const { tags, affine, keys } = georeference;
  const turn = toStored(orientation, stored);
  const kept = withCorners(tags.filter(({ code }) => [GEO_KEYS, GEO_DOUBLES, GEO_TEXTS].includes(code)));
  const isPoint = keys.GTRasterTypeGeoKey === PIXEL_IS_POINT;
  const cornerKeys = isPoint ? { ...keys, GTRasterTypeGeoKey: PIXEL_IS_AREA } : keys;
  if (affine === undefined) {
    const points = turnedPoints(numbersOf(tags, TIEPOINTS) ?? [], turn, isPoint ? 0.5 : 0);
    return { tags: [{ code: TIEPOINTS, type: DOUBLE, values: points }, ...kept], affine, keys: cornerKeys };
  }
  const [a, b, c, d, e, f] = affine;
  const [p, q, r, s, t, u] = turn;
  const [g, h, i] = [a * p + b * s, a * q + b * t, a * r + b * u + c];
  const [j, k, l] = [d * p + e * s, d * q + e * t, d * r + e * u + f];
  const matrix: GeoTag = { code: MATRIX, type: DOUBLE, values: [g, h, 0, i, j, k, 0, l, 0, 0, 0, 0, 0, 0, 0, 1] };
  return { tags: [matrix, ...kept], affine: [g, h, i, j, k, l], keys: cornerKeys };
}

/** Turns control points, six numbers each: column, row, 0, and their place; `half` leads from the middle of a pixel to its corner. */
function turnedPoints(points: readonly number[], [p, q, r, s, t, u]: Affine, half: number): number[] {
  const sign = p * t - q * s; // a turn's determinant is 1 or -1
  return points.map((value, at) => {
    const start = at - (at % 6);
    const [x, y] = [points[start]! + half - r, points[start + 1]! + half - u];
    if (at === start) return (t * x - q * y) * sign;
    return at === start + 1 ? (p * y - s * x) * sign : value;
  });
}

/** Makes the GeoKeys say that coordinates mean the corner of a pixel. */
function withCorners(tags: readonly GeoTag[]): GeoTag[] {
  return tags.map((tag) => {
    if (tag.code !== GEO_KEYS || typeof tag.values === 'string') return tag;
    const values = [...tag.values];
    // Four numbers a key behind a header of four: the key, where its value lies, how many, the value.
    for (let at = 4; at < values.length; at += 4) if (values[at] === RASTER_TYPE) values[at + 3] = PIXEL_IS_AREA;
    return { ...tag, values };
  });
}
