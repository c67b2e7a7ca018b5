/**
 * The coordinate system that the GeoKeys of a raster mean, as proj4 takes it (OGC 19-008r4). What is doubtful is not known: where the model type
 * and the codes disagree, where a code or a method is missing from the table, and where the table is wrong (each of its codes was compared with PROJ).
 */
import type { ProjectionParameters } from 'geotiff-geokeys-to-proj4';
import type { GeoKeys } from './georeference.js';

/** Coordinate system of a raster. */
export interface CoordinateSystem {
  /** Definition as proj4 takes it: a proj string, or WKT. */
  readonly definition: string;
  /** Factors from the raster's coordinates to metres or degrees; negative where an axis points west or south. */
  readonly units: readonly [x: number, y: number];
  /** Whether coordinates are longitude and latitude. */
  readonly isGeographic: boolean;
}

const USER_DEFINED = 32767;
const [PROJECTED, GEOGRAPHIC] = [1, 2];

const POLAR_STEREOGRAPHIC = 15;
/** Methods (ProjCoordTransGeoKey) that a system without a code is read with: those that give PROJ's answers. */
const METHODS = new Set([
  1,
  7,
  8,
  9,
  10,
  11,
  12,
  13,
  14,
  POLAR_STEREOGRAPHIC,
  16,
  17,
  18,
  19,
  21,
  22,
  23,
  24,
  25,
  26,
  28,
]);

/** Methods in ESRI's WKT that give PROJ's answers in proj4 (of others it drops a parallel, a scale or the sphere). */
const WKT_METHODS = new Set([
  'Albers',
  'Azimuthal_Equidistant',
  'Bonne',
  'Double_Stereographic',
  'Eckert_VI',
  'Equal_Earth',
  'Equidistant_Conic',
  'Gauss_Kruger',
  'Hotine_Oblique_Mercator_Azimuth_Center',
  'Hotine_Oblique_Mercator_Azimuth_Natural_Origin',
  'Lambert_Azimuthal_Equal_Area',
  'Lambert_Conformal_Conic',
  'Mercator_Auxiliary_Sphere',
  'Mollweide',
  'Polyconic',
  'Robinson',
  'Sinusoidal',
  'Stereographic_South_Pole',
  'Transverse_Mercator',
]);

/** Oblique Mercator systems whose false origin lies on the equator of the projection (EPSG's variant A), which the table doesn't say. */
const FROM_ITS_EQUATOR = new Set([
  3078, 3079, 3167, 3168, 3375, 3376, 3468, 3591, 5247, 6394, 6497, 6808, 6809, 6810, 6811, 6840, 6841, 6842, 6843,
  24571, 26731, 26931, 29874,
]);
/** Codes of which the table is wrong by 5 to 4000 km: spheres taken for ellipsoids, yards for feet, axes to the south and west. */
const WRONG_IN_TABLE = new Set([
  2065, 3973, 3974, 3975, 5472, 5513, 8044, 8045, 8352, 9311, 24370, 24371, 24372, 24373, 24374, 24382,
]);

/** Finds the coordinate system of a raster; undefined where its keys don't say it for certain. */
export async function systemOf(keys: GeoKeys): Promise<CoordinateSystem | undefined> {
  const isGeographic = isGeographicBy(keys);
  if (isGeographic === undefined) return ofWkt(keys);
  const code = isGeographic ? geographicCode(keys) : projectedCode(keys);
  const wkt = ofWkt(keys);
  // Keys have no method for what the web's maps do: a sphere in place of the ellipsoid.
  const isOfTheWeb = !isCode(code) && wkt?.definition.includes('Auxiliary_Sphere');
  const ofItsKeys = isOfTheWeb ? undefined : await ofKeys(keys, code, isGeographic);
  return ofItsKeys ?? (wkt?.isGeographic === isGeographic ? wkt : undefined);
}

/** Tells whether no key says anything of a coordinate system. */
export function saysNoSystem(keys: GeoKeys): boolean {
  return !Object.keys(keys).some((name) => /^(GTModelType|GTCitation|Proj|PCS|Geog)/.test(name));
}

const projectedCode = (keys: GeoKeys) => Number(keys.ProjectedCSTypeGeoKey ?? 0);
const geographicCode = (keys: GeoKeys) => Number(keys.GeographicTypeGeoKey ?? 0);
const isCode = (code: number) => code !== 0 && code !== USER_DEFINED;

/** Tells whether coordinates are degrees: the model type says it, and where there is none, a code does. */
function isGeographicBy(keys: GeoKeys): boolean | undefined {
  const model = Number(keys.GTModelTypeGeoKey ?? 0);
  if (model === PROJECTED || model === GEOGRAPHIC) return model === GEOGRAPHIC;
  if (isCode(model)) return undefined;
  if (projectedCode(keys) !== 0) return false;
  return isCode(geographicCode(keys)) ? true : undefined;
}

async function ofKeys(keys: GeoKeys, code: number, isGeographic: boolean): Promise<CoordinateSystem | undefined> {
  if (WRONG_IN_TABLE.has(code)) return undefined;
  const isConversion = isCode(Number(keys.ProjectionGeoKey ?? 0));
  const isMethod = isConversion || METHODS.has(Number(keys.ProjCoordTransGeoKey ?? 0));
  if (!isCode(code) && !isGeographic && !isMethod) return undefined;
  const said = isCode(code) ? keysOfCode(keys, code, isGeographic) : keysWithoutCode(keys, isGeographic);
  const system = await fromTable(said);
  if (system === undefined || system.isGCS !== isGeographic) return undefined;
  const definition = isGeographic ? system.proj4 : mend(system.proj4, keys, code);
  if (definition.includes('undefined')) return undefined;
  const { x, y } = system.coordinatesConversionParameters;
  const sign = definition.includes('+axis=ws') ? -1 : 1;
  return { definition, units: [sign * x, sign * y], isGeographic };
}

/** Leaves a code alone with its unit: the table lets other keys, however stale, win over it. */
function keysOfCode(keys: GeoKeys, code: number, isGeographic: boolean): GeoKeys {
  return isGeographic
    ? { GeographicTypeGeoKey: code, ...only(keys, /^GeogAngularUnit|^GeogTOWGS84/) }
    : { ProjectedCSTypeGeoKey: code, ...only(keys, /^ProjLinearUnit/) };
}

function keysWithoutCode(keys: GeoKeys, isGeographic: boolean): GeoKeys {
  const described = only(keys, isGeographic ? /^Geog/ : /^Geog|^Proj(?!ectedCSType)/);
  return isCode(geographicCode(keys)) ? described : only(described, /^(?!GeographicType)/);
}

function only(keys: GeoKeys, names: RegExp): GeoKeys {
  return Object.fromEntries(Object.entries(keys).filter(([name]) => names.test(name)));
}

/** Asks the table of coordinate systems, which is loaded only now: it is large, and few programs need it. */
async function fromTable(keys: GeoKeys): Promise<ProjectionParameters | undefined> {
  const { toProj4 } = await import('geotiff-geokeys-to-proj4');
  try {
    const system = toProj4(keys as unknown as Parameters<typeof toProj4>[0]);
    return Object.keys(system.errors).length === 0 ? system : undefined;
  } catch {
    return undefined;
  }
}

/** Adds what the table leaves out of a projection's definition. */
function mend(definition: string, keys: GeoKeys, code: number): string {
  const value = (name: string) => new RegExp(`\\+${name}=(\\S+)`).exec(definition)?.[1];
  // A unit that the file names is a factor of its own.
  const metric = keys.ProjLinearUnitsGeoKey === undefined ? definition : definition.replace(/\+to_meter=\S+/, '');
  const [parallel, latitude] = [value('lat_ts'), value('lat_0')];
  const pole = (near: unknown) => `+lat_0=${Number(near) < 0 ? -90 : 90}`;
  switch (value('proj')) {
    case 'omerc':
      return FROM_ITS_EQUATOR.has(code) ? `${metric} +no_uoff` : metric;
    case 'stere':
      if (Number(keys.ProjCoordTransGeoKey) === POLAR_STEREOGRAPHIC && !isCode(code)) {
        return `${metric} +lat_ts=${latitude} ${pole(latitude)} +lon_0=${keys.ProjStraightVertPoleLongGeoKey ?? 0}`;
      }
      return parallel !== undefined && latitude === undefined ? `${metric} ${pole(parallel)}` : metric;
    case 'merc':
    case 'eqc':
      return value('lat_1') === undefined
        ? metric
        : `${metric.replace('+lat_ts=undefined', '')} +lat_ts=${value('lat_1')}`;
    default:
      return metric;
  }
}

/** Takes the WKT that ESRI's programs write into a citation ("ESRI PE String = PROJCS[…]"), where proj4 reads it as PROJ does. */
function ofWkt(keys: GeoKeys): CoordinateSystem | undefined {
  for (const citation of [keys.PCSCitationGeoKey, keys.GTCitationGeoKey, keys.GeogCitationGeoKey]) {
    const [definition, kind] = /(PROJCS|GEOGCS)\[.*\]/s.exec(String(citation ?? '')) ?? [];
    if (definition === undefined) continue;
    const method = /PROJECTION\["(\w+)"/.exec(definition)?.[1];
    const isRead = kind === 'GEOGCS' ? method === undefined : WKT_METHODS.has(method ?? '');
    const inDegrees = /UNIT\["\w+", *0\.01745/.test(definition);
    return isRead && inDegrees ? { definition, units: [1, 1], isGeographic: kind === 'GEOGCS' } : undefined;
  }
  return undefined;
}
