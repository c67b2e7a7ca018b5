/** From a raster's pixels to longitude and latitude, where that can be had for certain. */
import { type CoordinateSystem, saysNoSystem, systemOf } from './coordinate-system.js';
import type { Affine, Georeference } from './georeference.js';

/** Map from a corner of a pixel to longitude and latitude (WGS 84, degrees). */
export type ToLonLat = (column: number, row: number) => readonly [lon: number, lat: number];

/** What is known of the longitude and latitude of a raster. */
export interface Placing {
  /** The map; undefined: coordinates can be told in pixels only. */
  readonly toLonLat: ToLonLat | undefined;
  /** Sentences for the user, to be put behind the raster's name. */
  readonly remarks: readonly string[];
}

/** Equatorial radius of WGS 84 and GRS 80, metres. */
const MODERN_RADIUS = 6_378_137;

type Point = [x: number, y: number];

interface Size {
  readonly width: number;
  readonly height: number;
}

/** Finds the map to longitude and latitude; a raster that reaches beyond its own coordinate system has none. */
export async function placingOf(georeference: Georeference | undefined, size: Size): Promise<Placing> {
  if (georeference === undefined) return inPixels('has no georeference');
  const { affine, keys } = georeference;
  if (affine === undefined)
    return inPixels('is placed by control points or a camera model, which are not computed with');
  if (saysNoSystem(keys)) return inPixels('names no coordinate system');
  const system = await systemOf(keys);
  const earth = system === undefined ? undefined : await Earth.of(system);
  if (system === undefined || earth === undefined) return inPixels('has a coordinate system that is not known');
  const raster = new PlacedRaster(affine, size, system);
  const map = system.isGeographic ? raster.degrees(earth) : raster.unprojected(earth);
  if (map === undefined) {
    const place = raster.own(0, 0).map((value) => Number(value.toPrecision(9)));
    return inPixels(`lies where its coordinate system does not reach (its corner is at ${place.join(', ')})`);
  }
  const remarks: string[] = [];
  if (!earth.datumIsKnown)
    remarks.push('has an older datum: without its shift to WGS 84, polygons may be some 100 m off');
  if (!system.isGeographic && raster.holdsPole(earth)) {
    remarks.push('holds a pole: polygons around it are cut open where longitudes begin');
  } else if (raster.marks.some(([column, row]) => Math.abs(map(column, row)[0]) > 180)) {
    remarks.push('reaches over the meridian of 180 degrees: longitudes beyond it go on counting');
  }
  return { toLonLat: map, remarks };
}

function inPixels(why: string): Placing {
  return { toLonLat: undefined, remarks: [`${why}: its polygons are in pixels, not in longitude and latitude`] };
}

/** What proj4 makes of a coordinate system. */
class Earth {
  private constructor(
    readonly definition: string,
    readonly datumIsKnown: boolean,
    private readonly proj4: typeof import('proj4'),
  ) {}

  /** Opens a coordinate system; undefined where proj4 doesn't know it. */
  static async of({ definition }: CoordinateSystem): Promise<Earth | undefined> {
    const { default: proj4 } = await import('proj4');
    try {
      // Fields that the package's types leave out.
      const { a, datum_params } = new proj4.Proj(definition) as unknown as { a: number; datum_params?: unknown };
      const isKnown = Math.abs(a - MODERN_RADIUS) < 1 || datum_params != null || definition.includes('+nadgrids=');
      return new Earth(definition, isKnown, proj4);
    } catch {
      return undefined;
    }
  }

  /** Makes the ways to and from WGS 84, with longitudes within half a turn of one where it is given; NaN for what can't be computed. */
  toWgs84(around?: number): Record<'forward' | 'inverse', (point: Point) => Point> {
    const wrap = around === undefined ? '' : ` +lon_wrap=${around}`;
    const both = this.proj4(this.definition, `+proj=longlat +datum=WGS84${wrap}`);
    return { forward: orNaN((point) => both.forward(point)), inverse: orNaN((point) => both.inverse(point)) };
  }
}

/** Makes a computation of proj4's, which throws or gives infinity beyond its domain, give NaN there. */
function orNaN(compute: (point: Point) => Point): (point: Point) => Point {
  return (point) => {
    try {
      const found = compute(point);
      return found.every(Number.isFinite) ? found : [Number.NaN, Number.NaN];
    } catch {
      return [Number.NaN, Number.NaN];
    }
  };
}

/** A raster in the coordinates of its system, metres or degrees. */
class PlacedRaster {
  /** Corners and middle, in pixels. */
  readonly marks: readonly Point[];

  constructor(
    private readonly affine: Affine,
    private readonly size: Size,
    private readonly system: CoordinateSystem,
  ) {
    const { width: w, height: h } = size;
    this.marks = [
      [0, 0],
      [w, 0],
      [0, h],
      [w, h],
      [w / 2, h / 2],
    ];
  }

  own(column: number, row: number): Point {
    const [a, b, c, d, e, f] = this.affine;
    const [x, y] = this.system.units;
    return [(a * column + b * row + c) * x, (d * column + e * row + f) * y];
  }

  get #pixel(): number {
    const [[x0, y0], [x1, y1]] = [this.own(0, 0), this.own(1, 1)];
    return Math.hypot(x1 - x0, y1 - y0);
  }

  /** Takes coordinates as degrees, where they can be such; a picture may reach over a pole by a part of a pixel. */
  degrees(earth: Earth): ToLonLat | undefined {
    const beyond = Math.min(this.#pixel, 1);
    const possible = ([column, row]: Point) => {
      const [x, y] = this.own(column, row);
      return Math.abs(x) <= 360 + beyond && Math.abs(y) <= 90 + beyond;
    };
    if (!this.marks.every(possible)) return undefined;
    const [middle] = this.own(...this.marks.at(-1)!);
    const turn = Math.abs(middle) > 180 ? -360 * Math.sign(middle) : 0;
    const transform = earth.toWgs84();
    return (column, row) => {
      const [x, y] = this.own(column, row);
      const [lon, lat] = transform.forward([x, Math.max(-90, Math.min(90, y))]);
      // A shift of the datum comes out within half a turn of Greenwich, so that a picture could be torn.
      return [lon + 360 * Math.round((x - lon) / 360) + turn, lat];
    };
  }

  /** Undoes the projection; undefined where it can't be done again, so that coordinates lie outside what it is for. */
  unprojected(earth: Earth): ToLonLat | undefined {
    const [middle] = earth.toWgs84().forward(this.own(...this.marks.at(-1)!));
    if (!Number.isFinite(middle)) return undefined;
    const transform = earth.toWgs84(middle);
    const comesBack = ([column, row]: Point) => {
      const there = this.own(column, row);
      const back = transform.inverse(transform.forward(there));
      return Math.hypot(back[0] - there[0], back[1] - there[1]) <= this.#pixel;
    };
    return this.marks.every(comesBack) ? (column, row) => transform.forward(this.own(column, row)) : undefined;
  }

  holdsPole(earth: Earth): boolean {
    const [[x0, y0], [x1, y1], [x2, y2]] = [this.own(0, 0), this.own(1, 0), this.own(0, 1)];
    const [a, b, d, e] = [x1 - x0, x2 - x0, y1 - y0, y2 - y0];
    return [90, -90].some((lat) => {
      const [x, y] = earth.toWgs84().inverse([0, lat]);
      const column = (e * (x - x0) - b * (y - y0)) / (a * e - b * d);
      const row = (a * (y - y0) - d * (x - x0)) / (a * e - b * d);
      return column >= 0 && row >= 0 && column <= this.size.width && row <= this.size.height;
    });
  }
}
