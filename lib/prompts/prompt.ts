/** A prompt for one image, in the frame that users see: pixels of the original image, x then y, origin top left. */
import type { PromptOptions } from '../option-types.js';

/** Kind of prompt that is drawn. */
export type PromptKind = NonNullable<PromptOptions['prompt']>;
/** Whether all points are one prompt, or each point one of its own. */
export type PointSets = 'joint' | 'separate';

/** Settings by which prompts are drawn from a mask; their meanings are those of the command line's options. */
export interface PromptSettings {
  readonly kind: PromptKind;
  readonly numPositive: number;
  readonly numNegative: number;
  readonly erode: boolean;
  readonly dynamicDistance: boolean;
  /** Pixels of the low-res mask: each side of a box moves by a uniform number in [-perturbation, perturbation). */
  readonly perturbation: number;
  /** Whether all points are one prompt (`joint`), or each a prompt of its own (`separate`). */
  readonly pointSets: PointSets;
  /** Number of points up to which missing ones become padding tokens; 0: missing ones are left out. */
  readonly padTo: number;
  /** Whether the rough mask that points are drawn from is a prompt too. A label never is: that would give the answer away. */
  readonly maskPrompt?: boolean;
}

/** The part of a prompt that is drawn on pictures and told in JSON: points and box. */
export interface PromptShapes {
  /** Points, in pixels; fewer than asked for where the mask has no room. */
  readonly points: readonly (readonly [x: number, y: number])[];
  /** Labels, one for each point: 1 positive, 0 negative. */
  readonly labels: readonly (0 | 1)[];
  /** Box; null for none. */
  readonly box: readonly [x0: number, y0: number, x1: number, y1: number] | null;
}

/** Points, a box or both for one image. */
export interface Prompt extends PromptShapes {
  /** Mask prompt: 256*256 logits, the picture at the top left with its long side 256. */
  readonly mask?: Float32Array;
}

/** Returns points and box of a prompt, without its mask; none where there is no prompt. */
export function shapesOf(prompt: PromptShapes | undefined): PromptShapes {
  const { points, labels, box } = prompt ?? { points: [], labels: [], box: null };
  return { points, labels, box };
}

/** Tells whether a prompt has neither a point nor a box. */
export function isEmptyPrompt({ points, box }: PromptShapes): boolean {
  return points.length === 0 && box === null;
}

/** How far points keep from a mask's edge: what `rounds` rounds of erosion with a 3 x 3 square would leave, or as many as leave any. */
export interface Margin {
  /** Depth of each pixel, size*size on the grid of the mask: rounds that a pixel inside survives, plus one; 0 outside. */
  readonly inside: Uint16Array;
  /** Depth of each pixel outside, likewise: what erosion of the background leaves is outside the mask's dilation. */
  readonly outside: Uint16Array;
  /** Rounds of erosion. */
  readonly rounds: number;
}
