/** Settings of rough masks: the options, as the code that makes the masks takes them. */

import { SamError } from '../../core/errors.js';
import { words } from '../../core/words.js';
import type { ResolvedRoughOptions } from '../../option-types.js';
import type { Cleaning } from './clean.js';
import type { HsvBands, Range } from './hsv.js';
import { INDEX_BANDS, type SpectralIndex } from './spectral.js';

export type { ResolvedRoughOptions };
export type PromptOrigin = 'ground-truth' | 'rough' | 'mixed';

/** A band by its number, from 1 on, or by its name. */
export type BandChoice = number | string;

/** A rough mask by a spectral index. */
export interface IndexMethod {
  /** Index. */
  readonly kind: SpectralIndex;
  /** Threshold above which a pixel is inside; `otsu`: each image's own. */
  readonly threshold: number | 'otsu';
  /** Bands that were given. */
  readonly choices: Partial<Record<'red' | 'green' | 'nir' | 'swir', BandChoice>>;
}

/** What makes a rough mask: colours, a spectral index, or a file of each image's name. */
export type RoughMethod =
  | {
      readonly kind: 'hsv';
      /** Bands of hue, saturation and value. */
      readonly bands: HsvBands;
    }
  | IndexMethod
  /** Masks in a folder; `option` is the one that names it. */
  | {
      readonly kind: 'file';
      /** Folder of the files. */
      readonly folder: string;
      /** Option that named the folder, for errors. */
      readonly option: string;
    };

/** What makes a rough mask, and what becomes of it. */
export interface RoughMaskSettings {
  /** Method that makes the mask. */
  readonly method: RoughMethod;
  /** Cleaning of the mask. */
  readonly cleaning: Cleaning;
  /** Pixels of the image that points keep away from the edge by; undefined: by the mask's area, on the decoder's grid. */
  readonly erosion: number | undefined;
}

/** Makes settings that take the masks in a folder as they are, for `predict --masks`. */
export function masksOfFolder(folder: string): RoughMaskSettings {
  const cleaning = { minArea: 0, fillHoles: false, largest: false };
  return { method: { kind: 'file', folder, option: '`masks`' }, cleaning, erosion: undefined };
}

/** Tells what prompts are drawn from: as `--prompt-source` says, else from rough masks where `--rough-mask` is given. */
export function promptOrigin({ promptSource, roughMask }: ResolvedRoughOptions): PromptOrigin {
  return promptSource ?? (roughMask === undefined ? 'ground-truth' : 'rough');
}

/**
 * Makes the settings of rough masks from the options; undefined where no rough mask is described.
 *
 * @throws SamError `SAM_BAD_OPTION`: rough masks are asked for and not, or not wholly, described; or options exclude each other.
 */
export function toRoughMaskSettings(options: ResolvedRoughOptions): RoughMaskSettings | undefined {
  const { minArea, fillHoles, largest, erosion, roughMask } = options;
  if (options.maskPrompt && promptOrigin(options) === 'mixed') {
    throw new SamError('SAM_BAD_OPTION', '`maskPrompt` does not go with `promptSource` mixed', {
      fix: 'half of the prompts would have no mask, or the answer itself: take `promptSource` rough',
    });
  }
  if (roughMask === undefined) {
    const origin = promptOrigin(options);
    if (origin === 'ground-truth') return undefined;
    throw new SamError('SAM_BAD_OPTION', `\`promptSource\` ${origin} needs a rough mask`, {
      fix: 'say what makes it: `roughMask` hsv, ndwi, mndwi, ndvi or file',
    });
  }
  return { method: methodOf(roughMask, options), cleaning: { minArea, fillHoles, largest }, erosion };
}

function methodOf(kind: NonNullable<ResolvedRoughOptions['roughMask']>, options: ResolvedRoughOptions): RoughMethod {
  if (kind === 'hsv') {
    const bands = { hue: range(options.hue), saturation: range(options.saturation), value: range(options.value) };
    if (bands.hue ?? bands.saturation ?? bands.value) return { kind, bands };
    throw new SamError('SAM_BAD_OPTION', '`roughMask` hsv needs at least one of `hue`, `saturation` and `value`', {
      fix: 'such as `hue` 190-250, or let sam-native prompts --tune --data SRC find them',
    });
  }
  if (kind === 'file') {
    if (options.roughMasks !== undefined) return { kind, folder: options.roughMasks, option: '`roughMasks`' };
    throw new SamError('SAM_BAD_OPTION', '`roughMask` file needs `roughMasks`', {
      fix: 'name the folder of the masks',
    });
  }
  const [red, green] = words(options.bands ?? '').map(choice);
  const given = { red, green, nir: choice(options.nir), swir: choice(options.swir) };
  const choices = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
  return { kind, threshold: options.threshold, choices };
}

function range(text: string | undefined): Range | undefined {
  if (text === undefined) return undefined;
  const [from, to] = text.split('-').map(Number);
  return [from!, to!];
}

function choice(given: BandChoice | undefined): BandChoice | undefined {
  if (given === undefined || given === '') return undefined;
  const number = Number(given);
  return Number.isNaN(number) ? String(given).toLowerCase() : number;
}

/** Numbers of the bands of colours, where nothing says so. */
const FIRST_BANDS = { red: 1, green: 2 } as const;

/**
 * Returns the numbers of an index' two bands, from 1 on: as given, else the band of that name, else the first bands for colours.
 *
 * @param names the raster's own names of its bands, in lower case.
 * @throws SamError `SAM_BAD_OPTION`: an infrared band is neither given nor named. `SAM_BAD_DATA`: no band of that name.
 */
export function bandNumbers(
  { kind, choices }: IndexMethod,
  names: readonly (string | null)[],
  path: string,
): [number, number] {
  const [a, b] = INDEX_BANDS[kind].map((role) => {
    const chosen = choices[role] ?? role;
    if (typeof chosen === 'number') return chosen;
    const named = names.indexOf(chosen);
    if (named >= 0) return named + 1;
    const option = role === 'nir' || role === 'swir' ? role : 'bands';
    if (choices[role] !== undefined) {
      const there = names.filter((name) => name !== null);
      throw new SamError('SAM_BAD_DATA', `image ${path} has no band named ${chosen}`, {
        fix: there.length > 0 ? `its bands are named ${there.join(', ')}` : `give the band's number with \`${option}\``,
      });
    }
    if (role === 'red' || role === 'green') return FIRST_BANDS[role];
    throw new SamError(
      'SAM_BAD_OPTION',
      `\`roughMask\` ${kind} needs \`${role}\`: no band of ${path} is named ${role}`,
      {
        fix: `give the band's number, such as \`${role}\` 4 (the image has ${names.length})`,
      },
    );
  });
  return [a!, b!];
}
