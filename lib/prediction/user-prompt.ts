/** Prompts as a person or a program gives them, in pixels of the original image, checked before they reach the decoder. */
import { z } from 'zod';
import { SamError } from '../core/errors.js';
import { words } from '../core/words.js';
import type { Prompt } from '../prompts/prompt.js';

/** A prompt as a person or a program gives it, in pixels of the original image. */
export interface UserPrompt {
  /** Points, x and y of each. */
  points?: readonly (readonly [x: number, y: number])[] | undefined;
  /** Labels, one for each point: 1 inside, 0 outside what is meant. Default: all 1. */
  labels?: readonly (0 | 1)[] | undefined;
  /** Box, x0, y0, x1, y1; null for none. */
  box?: readonly [x0: number, y0: number, x1: number, y1: number] | null | undefined;
}

const point = z.tuple([z.number(), z.number()], 'expected the x and y of each point, [[x, y], …]').readonly();

/** Type of a {@link UserPrompt}'s members, as far as it needs no picture; the rest is {@link checkPrompt}'s to check. */
export const userPromptTypes = {
  points: z.array(point, 'expected the x and y of each point, [[x, y], …]').readonly().optional(),
  labels: z.array(z.number()).readonly().optional(),
  box: z.tuple([z.number(), z.number(), z.number(), z.number()], 'expected [x0, y0, x1, y1]').readonly().nullish(),
} as const;

/** Parses `x,y,label` of the command line; the label may be left out and is then 1. */
export function parsePoint(text: string): { point: readonly [number, number]; label: 0 | 1 } {
  const [x, y, label = 1, ...rest] = numbers(text);
  if (x === undefined || y === undefined || rest.length > 0 || (label !== 0 && label !== 1)) {
    throw new SamError('SAM_BAD_OPTION', `\`point\` ${text}: not a point`, {
      fix: 'write x,y,label in pixels of the image, label 1 inside or 0 outside, e.g. `point` 120,80,1',
    });
  }
  return { point: [x, y], label };
}

/** Parses `x0,y0,x1,y1` of the command line. */
export function parseBox(text: string): readonly [number, number, number, number] {
  const [x0, y0, x1, y1, ...rest] = numbers(text);
  if (x0 === undefined || y0 === undefined || x1 === undefined || y1 === undefined || rest.length > 0) {
    throw new SamError('SAM_BAD_OPTION', `\`box\` ${text}: not a box`, {
      fix: 'write x0,y0,x1,y1 in pixels of the image, e.g. `box` 20,40,300,220',
    });
  }
  return [x0, y0, x1, y1];
}

/** Parses numbers with commas between; returns none if one of them is not a number. */
function numbers(text: string): number[] {
  const values = words(text).map((word) => (word === '' ? Number.NaN : Number(word)));
  return values.every(Number.isFinite) ? values : [];
}

/**
 * Checks a prompt against the size of its picture, and fills in its labels.
 *
 * @param subject what the error names: the image's path, or "the image".
 * @throws SamError `SAM_BAD_ARGUMENT`: nothing given, outside the picture, a box without area, labels that do not fit.
 */
export function checkPrompt(given: UserPrompt, width: number, height: number, subject: string): Prompt {
  const points = given.points ?? [];
  const labels = given.labels ?? points.map(() => 1 as const);
  const box = given.box ?? null;
  if (points.length === 0 && box === null) throw bad(`no prompt for ${subject}`, 'give at least one point or a box');
  if (labels.length !== points.length) {
    throw bad(`${points.length} points with ${labels.length} labels`, 'give one label, 1 or 0, for each point');
  }
  const wrong = labels.find((label) => label !== 0 && label !== 1);
  if (wrong !== undefined) throw bad(`a point's label is ${wrong}`, 'give 1 for inside or 0 for outside');
  const inside = (x: number, y: number) => x >= 0 && y >= 0 && x <= width && y <= height;
  const where = `${subject}, which is ${width} x ${height} pixels`;
  for (const [x, y] of points) {
    if (!inside(x, y)) throw bad(`point ${x},${y} lies outside ${where}`, PIXELS);
  }
  if (box !== null) {
    const [x0, y0, x1, y1] = box;
    if (!inside(x0, y0) || !inside(x1, y1)) throw bad(`box ${box.join(',')} lies outside ${where}`, PIXELS);
    if (x0 >= x1 || y0 >= y1)
      throw bad(`box ${box.join(',')} has no area`, 'give x0,y0,x1,y1 with x0 < x1 and y0 < y1');
  }
  return { points, labels, box };
}

const PIXELS = 'coordinates are pixels of the original image, x then y, from its top left';

function bad(message: string, fix: string): SamError {
  return new SamError('SAM_BAD_ARGUMENT', message, { fix });
}
