/** `--bands 3,2,1` or `--bands red,green,blue`: which bands of a raster become the picture that SAM sees. */
import { SamError } from '../core/errors.js';
import { words } from '../core/words.js';

/** Bands by number, from 1, or by name, with commas between: one (a grey picture) or three. {@link chooseBands} checks it. */
export type BandChoice = string;

/** What is asked of a raster whose bands are chosen. */
export interface Banded {
  /** File, for errors. */
  readonly path: string;
  readonly bandCount: number;
  /** Names of the bands, '' where one has none. */
  readonly bandNames: readonly string[];
  /** Number of bands that are no alpha: without a choice, only those are looked at. */
  readonly colourCount: number;
}

/**
 * Finds the three bands, from 0, that become red, green and blue. Without a choice they are the first three, or of fewer the first
 * for all.
 *
 * @param choice numbers from 1, or names in any case; a single one gives a grey picture.
 * @throws SamError `SAM_BAD_DATA`: a band that this raster does not have. `SAM_BAD_OPTION`: neither one band nor three.
 */
export function chooseBands(raster: Banded, choice: BandChoice | undefined): readonly [number, number, number] {
  if (choice === undefined) return raster.colourCount < 3 ? [0, 0, 0] : [0, 1, 2];
  const named = words(choice);
  if (named.length !== 1 && named.length !== 3) {
    throw new SamError('SAM_BAD_OPTION', `\`bands\` ${choice}: expected three bands, or one for a grey picture`, {
      fix: 'write numbers from 1, or names, such as `bands` 1,2,3 or `bands` red,green,blue',
    });
  }
  const [first, second, third] = named.map((word) => bandIndex(raster, word));
  return [first!, second ?? first!, third ?? first!];
}

function bandIndex({ path, bandCount, bandNames }: Banded, word: string): number {
  const named = bandNames.findIndex((name) => name.toLowerCase() === word.toLowerCase());
  const index = named >= 0 && word !== '' ? named : Number(word) - 1;
  if (word !== '' && Number.isInteger(index) && index >= 0 && index < bandCount) return index;
  const names = bandNames.slice(0, bandCount).filter((name) => name !== '');
  const called = names.length === 0 ? '' : ` (${names.join(', ')})`;
  throw new SamError('SAM_BAD_DATA', `${path} has no band '${word}': it has ${bandCount}${called}`, {
    fix: 'name other bands with `bands`, by number from 1 or by name',
  });
}
