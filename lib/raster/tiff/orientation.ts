/**
 * Orientation of a TIFF's or a photograph's pixels (tag 274, TIFF 6.0): 1 as stored; 2, 3, 4 mirrored or turned by 180 degrees; 5 to 8
 * with rows and columns changed.
 */
import type { Window } from '../windows.js';
import type { Samples } from './samples.js';

export interface Turn {
  /** Whether rows and columns change places. */
  readonly swaps: boolean;
  /** Whether a row of the upright picture, or a column where they change places, runs against the stored ones. */
  readonly againstX: boolean;
  readonly againstY: boolean;
}

/** Returns how an upright picture lies in the stored one; an orientation that is not known is taken for 1. */
export function turnOf(orientation: number): Turn {
  return {
    swaps: orientation >= 5 && orientation <= 8,
    againstX: [2, 3, 7, 8].includes(orientation),
    againstY: [3, 4, 6, 7].includes(orientation),
  };
}

/** Returns the window of the stored picture that is the upright one's. */
export function storedWindow(window: Window, turn: Turn, stored: { width: number; height: number }): Window {
  const { x, y, width, height } = turn.swaps
    ? { x: window.y, y: window.x, width: window.height, height: window.width }
    : window;
  return {
    x: turn.againstX ? stored.width - x - width : x,
    y: turn.againstY ? stored.height - y - height : y,
    width,
    height,
  };
}

/** Turns the samples of a window, `stored` as they lie in the file, upright. */
export function upright<Values extends Samples>(
  values: Values,
  stored: { width: number; height: number },
  turn: Turn,
): Values {
  if (!turn.swaps && !turn.againstX && !turn.againstY) return values;
  const { width, height } = stored;
  const turned = values.slice() as Values;
  for (let row = 0; row < height; row++) {
    const y = turn.againstY ? height - 1 - row : row;
    for (let column = 0; column < width; column++) {
      const x = turn.againstX ? width - 1 - column : column;
      turned[turn.swaps ? x * height + y : y * width + x] = values[row * width + column]!;
    }
  }
  return turned;
}
