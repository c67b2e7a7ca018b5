/** Prompts told in the pixels of another frame. */
import { viewedPoint } from '../data/views.js';
import type { Prompt } from './prompt.js';

type Point = readonly [x: number, y: number];

/** The prompt with its points and the corners of its box where `place` puts them. */
export function movedPrompt(prompt: Prompt, place: (point: Point) => Point): Prompt {
  return { ...prompt, points: prompt.points.map(place), box: prompt.box && movedBox(prompt.box, place) };
}

/** A prompt of the picture as it is, told in pixels of its view. `size`: the picture's. */
export function viewedPrompt(
  prompt: Prompt,
  size: { readonly width: number; readonly height: number },
  view: number,
): Prompt {
  return view === 0 ? prompt : movedPrompt(prompt, (point) => viewedPoint(point, size, view));
}

/** The corners may change places. */
function movedBox(
  [x0, y0, x1, y1]: NonNullable<Prompt['box']>,
  place: (point: Point) => Point,
): NonNullable<Prompt['box']> {
  const [[ax, ay], [bx, by]] = [place([x0, y0]), place([x1, y1])];
  return [Math.min(ax, bx), Math.min(ay, by), Math.max(ax, bx), Math.max(ay, by)];
}
