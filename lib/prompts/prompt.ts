/** A prompt for one image, in the frame that users see: pixels of the original image, x then y, origin top left. */
import type { PromptOptions } from '../option-types.js';

export type PromptKind = NonNullable<PromptOptions['prompt']>;
export type PointSets = 'joint' | 'separate';

/** Settings that draw prompts from a mask; defaults and meanings are those of the command line. */
export interface PromptSettings {
  readonly kind: PromptKind;
  readonly numPositive: number;
  readonly numNegative: number;
  readonly erode: boolean;
  readonly dynamicDistance: boolean;
  /** Each side of a box moves by a uniform number in [-perturbation, perturbation) pixels of the low-res mask. */
  readonly perturbation: number;
  /** joint: all points are one prompt. separate: each point is a prompt of its own. */
  readonly pointSets: PointSets;
  /** Points that are missing of so many become padding tokens; 0: what is missing is left out. */
  readonly padTo: number;
  /** The rough mask that points are drawn from is a prompt itself, beside them. Never a label: that would give the answer away. */
  readonly maskPrompt?: boolean;
}

/** What of a prompt is drawn on pictures and told in JSON. */
export interface PromptShapes {
  /** Fewer than asked for where the mask has no room. */
  readonly points: readonly (readonly [x: number, y: number])[];
  /** 1 positive, 0 negative; one for each point. */
  readonly labels: readonly (0 | 1)[];
  readonly box: readonly [x0: number, y0: number, x1: number, y1: number] | null;
}

export interface Prompt extends PromptShapes {
  /** 256*256 logits of a mask, the picture at the top left with its long side 256. */
  readonly mask?: Float32Array;
}

/** The prompt without its mask; of no prompt none. */
export function shapesOf(prompt: PromptShapes | undefined): PromptShapes {
  const { points, labels, box } = prompt ?? { points: [], labels: [], box: null };
  return { points, labels, box };
}

/** Whether a prompt has neither a point nor a box. */
export function isEmptyPrompt({ points, box }: PromptShapes): boolean {
  return points.length === 0 && box === null;
}

/** How far points keep from a mask's edge: what `rounds` rounds of erosion with a 3 x 3 square would leave, or as many as leave any. */
export interface Margin {
  /** size*size, on the grid of the mask: rounds that a pixel inside survives, plus one; 0 outside. */
  readonly inside: Uint16Array;
  /** The same of the pixels outside: what erosion of the background leaves is outside the mask's dilation. */
  readonly outside: Uint16Array;
  readonly rounds: number;
}
