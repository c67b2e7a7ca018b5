/**
 * Normalised differences of two bands, (a - b) / (a + b), -1 to 1: high on what they are named after.
 *
 * NDWI, water: (green - NIR) / (green + NIR) (McFeeters 1996). MNDWI, water: (green - SWIR) / (green + SWIR) (Xu 2006).
 * NDVI, plants: (NIR - red) / (NIR + red) (Rouse et al. 1974).
 */

/** Name of an index. */
export type SpectralIndex = 'ndwi' | 'mndwi' | 'ndvi';
/** What a band of an index shows. */
export type BandRole = 'red' | 'green' | 'nir' | 'swir';

/** The two bands of each index, a and b. */
export const INDEX_BANDS: Readonly<Record<SpectralIndex, readonly [BandRole, BandRole]>> = {
  ndwi: ['green', 'nir'],
  mndwi: ['green', 'swir'],
  ndvi: ['nir', 'red'],
};

/**
 * Computes (a - b) / (a + b) of each pixel.
 *
 * @param valid 0 where the raster has no data.
 * @returns NaN where there is no data or both bands are 0.
 */
export function normalisedDifference(a: Float32Array, b: Float32Array, valid: Uint8Array): Float32Array {
  const values = new Float32Array(a.length);
  for (let index = 0; index < values.length; index++) {
    const sum = a[index]! + b[index]!;
    values[index] = valid[index] === 0 || sum === 0 ? Number.NaN : (a[index]! - b[index]!) / sum;
  }
  return values;
}

/** Makes a mask that is 1 where a value is above the threshold; NaN never is. */
export function aboveThreshold(values: Float32Array, threshold: number): Uint8Array {
  const mask = new Uint8Array(values.length);
  for (let index = 0; index < mask.length; index++) mask[index] = values[index]! > threshold ? 1 : 0;
  return mask;
}
