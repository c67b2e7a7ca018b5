/** Prompts told in the pixels of another frame. */
import { viewedPoint } from '../data/views.js';
import type { Window } from '../raster/windows.js';
import type { Prompt, PromptShapes } from './prompt.js';

type Point = readonly [x: number, y: number];
type Box = readonly [x0: number, y0: number, x1: number, y1: number];

/** A function that says where a point lies in another frame. */
export type Place = (point: Point) => Point;

/** Moves the points of a prompt and the corners of its box to where `place` puts them. */
export function movedPrompt<P extends PromptShapes>(prompt: P, place: Place): P {
  return { ...prompt, points: prompt.points.map(place), box: prompt.box && movedBox(prompt.box, place) };
}

/**
 * Tells a prompt of the picture as it is in pixels of one of its views.
 *
 * @param size size of the picture as it is.
 */
export function viewedPrompt(
  prompt: Prompt,
  size: { readonly width: number; readonly height: number },
  view: number,
): Prompt {
  return view === 0 ? prompt : movedPrompt(prompt, (point) => viewedPoint(point, size, view));
}

/** Makes the {@link Place} of pixels' centres in a picture that is `byX` and `byY` times as large. */
export function scaledCentre(byX: number, byY: number): Place {
  return ([x, y]) => [(x + 0.5) * byX - 0.5, (y + 0.5) * byY - 0.5];
}

/**
 * Cuts a prompt to a window of the picture, and tells it in pixels of the window. Points on the window's edges stay, as does the
 * box's part in it, unless less than a pixel of that is left.
 */
export function croppedPrompt(prompt: Prompt, { x, y, width, height }: Window): Prompt {
  const within = prompt.points.map(([px, py]) => px >= x && py >= y && px <= x + width && py <= y + height);
  const moved = movedPrompt(prompt, ([px, py]) => [px - x, py - y]);
  return {
    ...moved,
    points: moved.points.filter((_, index) => within[index]),
    labels: moved.labels.filter((_, index) => within[index]),
    box: moved.box && clippedBox(moved.box, width, height),
  };
}

/** Moves a box by its corners, which may change places. */
function movedBox([x0, y0, x1, y1]: Box, place: Place): Box {
  const [[ax, ay], [bx, by]] = [place([x0, y0]), place([x1, y1])];
  return [Math.min(ax, bx), Math.min(ay, by), Math.max(ax, bx), Math.max(ay, by)];
}

function clippedBox(box: Box, width: number, height: number): Box | null {
  const within = (value: number, side: number) => Math.min(side, Math.max(0, value));
  const [x0, y0, x1, y1] = box;
  const part = [within(x0, width), within(y0, height), within(x1, width), within(y1, height)] as const;
  return part[2] - part[0] < 1 || part[3] - part[1] < 1 ? null : part;
}
