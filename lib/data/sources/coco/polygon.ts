/**
 * Draws polygons, in the same pixels as pycocotools' `rleFrPoly`: the outline is walked on a grid five times finer, and each column's
 * crossings become the ends of its runs.
 */

const FINER = 5;
/** Greatest coordinate that is not refused, beyond any picture's: the outline is walked step by step. */
export const FARTHEST = 1e6;

interface Point {
  readonly x: number;
  readonly y: number;
}

/**
 * Sets the pixels inside a polygon in `values` (rows one after the other); others stay. What lies beyond the picture is clipped.
 *
 * @param polygon x and y of each corner in turn.
 */
export function drawPolygon(polygon: readonly number[], values: Uint8Array, width: number, height: number): void {
  const ends = crossings(outline(polygon), width, height);
  ends.push(width * height);
  ends.sort((a, b) => a - b);
  // From the first crossing to the second it is inside, from the third to the fourth, and so on: column by column.
  for (let index = 0; index + 1 < ends.length; index += 2) {
    for (let pixel = ends[index]!; pixel < ends[index + 1]!; pixel++) {
      values[(pixel % height) * width + Math.floor(pixel / height)] = 1;
    }
  }
}

/** Yields each step along the closed outline, on the finer grid. */
function* outline(polygon: readonly number[]): Generator<Point> {
  const corners: Point[] = [];
  for (let index = 0; index + 1 < polygon.length; index += 2) {
    corners.push({ x: finer(polygon[index]!), y: finer(polygon[index + 1]!) });
  }
  for (let index = 0; index < corners.length; index++) {
    yield* line(corners[index]!, corners[(index + 1) % corners.length]!);
  }
}

function finer(coordinate: number): number {
  return Math.trunc(FINER * coordinate + 0.5);
}

/** Yields a line's points from `from` to `to`, computed from its lesser end, so that both directions meet the same points. */
function* line(from: Point, to: Point): Generator<Point> {
  const [dx, dy] = [Math.abs(to.x - from.x), Math.abs(to.y - from.y)];
  const flat = dx >= dy;
  const flipped = flat ? from.x > to.x : from.y > to.y;
  const [start, end] = flipped ? [to, from] : [from, to];
  const steps = flat ? dx : dy;
  const slope = steps === 0 ? 0 : (flat ? end.y - start.y : end.x - start.x) / steps;
  for (let step = 0; step <= steps; step++) {
    const along = flipped ? steps - step : step;
    const across = Math.trunc((flat ? start.y : start.x) + slope * along + 0.5);
    yield flat ? { x: along + start.x, y: across } : { x: across, y: along + start.y };
  }
}

/** Finds where the outline goes through the middle of a column of pixels: as numbers of pixels, column by column. */
function crossings(points: Iterable<Point>, width: number, height: number): number[] {
  const found: number[] = [];
  let before: Point | undefined;
  for (const point of points) {
    if (before !== undefined && point.x !== before.x) {
      const column = ((point.x < before.x ? point.x : point.x - 1) + 0.5) / FINER - 0.5;
      if (Number.isInteger(column) && column >= 0 && column <= width - 1) {
        const row = (Math.min(point.y, before.y) + 0.5) / FINER - 0.5;
        found.push(column * height + Math.ceil(Math.min(Math.max(row, 0), height)));
      }
    }
    before = point;
  }
  return found;
}
