/** Courses of rivers and roads, and how far each pixel is from them. */
import type { Random } from '../../core/random.js';
import { clamp, cosineOfTurns, noiseAt, sineOfTurns } from './noise.js';

/** A course as points one pixel apart, each array with a value a point. */
export interface Course {
  readonly x: Float32Array;
  readonly y: Float32Array;
  /** Direction of flow, with `dy` a unit vector. */
  readonly dx: Float32Array;
  readonly dy: Float32Array;
  /** Half the width, pixels. */
  readonly half: Float32Array;
  /** Sharpness of the bend, -1 to 1; positive turns right (the y axis points down). */
  readonly bend: Float32Array;
}

/** What a course is like. Lengths and widths are pixels, angles turns. */
export interface CourseOptions {
  readonly start: readonly [x: number, y: number];
  /** Direction of the valley. */
  readonly direction: number;
  readonly length: number;
  /** Greatest angle between the river and its valley: 0 straight, 0.25 wide loops. */
  readonly swing: number;
  /** Distance from bend to bend and back. */
  readonly wavelength: number;
  readonly halfWidth: number;
  /** Variation of the width, 0 to 1. */
  readonly variation: number;
  /** Width at the far end, as a share of the width at the start. */
  readonly taper: number;
}

/** Makes a sine-generated curve (Langbein and Leopold, 1966): the direction swings like a sine along the course. */
export function makeCourse(options: CourseOptions, random: Random): Course {
  const { length, swing, wavelength, halfWidth, variation, taper } = options;
  const seed = random.integer(2 ** 30);
  const phase = random.next();
  const course = emptyCourse(length);
  let [x, y] = options.start;
  let turned = phase;
  for (let at = 0; at < length; at++) {
    turned += 1 / (wavelength * (0.65 + 0.7 * noiseAt(at / wavelength, 0, seed)));
    const amount = swing * (0.55 + 0.9 * noiseAt(at / (wavelength * 0.8), 1, seed));
    const wander = 0.12 * (noiseAt(at / 300, 2, seed) - 0.5);
    const direction = options.direction + amount * sineOfTurns(turned) + wander;
    course.dx[at] = cosineOfTurns(direction);
    course.dy[at] = sineOfTurns(direction);
    x += course.dx[at]!;
    y += course.dy[at]!;
    course.x[at] = x;
    course.y[at] = y;
    course.bend[at] = clamp(cosineOfTurns(turned) * (amount / 0.16), -1, 1);
    const wide = noiseAt(at / 90, 3, seed) * 0.65 + noiseAt(at / 35, 4, seed) * 0.35;
    course.half[at] = halfWidth * (1 + variation * (2 * wide - 1)) * (1 + ((taper - 1) * at) / length);
  }
  return course;
}

function emptyCourse(length: number): Course {
  const numbers = () => new Float32Array(length);
  return { x: numbers(), y: numbers(), dx: numbers(), dy: numbers(), half: numbers(), bend: numbers() };
}

/** The nearest point of a course, for each pixel of a square. */
export interface Nearness {
  /** Index of the point in the course. */
  readonly index: Int32Array;
  /** Distance to the point, pixels. */
  readonly distance: Float32Array;
}

/** Pixels around the picture in which courses are followed, so that what they do there shows at its border. */
const MARGIN = 64;

/** Finds the nearest points by propagation: each pixel asks its neighbours, in two sweeps. */
export function nearnessTo(course: Course, side: number): Nearness {
  const grid = side + 2 * MARGIN;
  const nearest = new Int32Array(grid * grid).fill(-1);
  const squared = new Float32Array(grid * grid).fill(Number.POSITIVE_INFINITY);
  const consider = (at: number, x: number, y: number, point: number): void => {
    const dx = course.x[point]! + MARGIN - x;
    const dy = course.y[point]! + MARGIN - y;
    const distance = dx * dx + dy * dy;
    if (distance >= squared[at]!) return;
    squared[at] = distance;
    nearest[at] = point;
  };
  for (let point = 0; point < course.x.length; point++) {
    const x = Math.floor(course.x[point]! + MARGIN);
    const y = Math.floor(course.y[point]! + MARGIN);
    if (x >= 0 && y >= 0 && x < grid && y < grid) consider(y * grid + x, x, y, point);
  }
  const askOne = (at: number, x: number, y: number, offset: number): void => {
    const point = nearest[at + offset]!;
    if (point >= 0) consider(at, x, y, point);
  };
  const ask = (at: number, x: number, y: number, step: number): void => {
    askOne(at, x, y, step);
    askOne(at, x, y, step * grid);
    askOne(at, x, y, step * (grid + 1));
    askOne(at, x, y, step * (grid - 1));
  };
  for (let y = 1; y < grid - 1; y++) for (let x = 1; x < grid - 1; x++) ask(y * grid + x, x, y, -1);
  for (let y = grid - 2; y > 0; y--) for (let x = grid - 2; x > 0; x--) ask(y * grid + x, x, y, 1);
  return cropped(nearest, squared, grid, side);
}

function cropped(nearest: Int32Array, squared: Float32Array, grid: number, side: number): Nearness {
  const index = new Int32Array(side * side);
  const distance = new Float32Array(side * side);
  for (let y = 0; y < side; y++) {
    for (let x = 0; x < side; x++) {
      const from = (y + MARGIN) * grid + x + MARGIN;
      index[y * side + x] = Math.max(0, nearest[from]!);
      distance[y * side + x] = Math.sqrt(squared[from]!);
    }
  }
  return { index, distance };
}
