/** Rings as GeoJSON wants them: simple, and with fewer corners where asked. */
import type { Corner, Ring, TracedObject } from './rings.js';

/** A polygon with holes; rings that touch themselves nowhere. */
export interface Outline {
  readonly outer: Ring;
  readonly holes: readonly Ring[];
}

/** Twice the area: positive where the ring runs clockwise on the screen (y down). */
export function doubleArea(ring: Ring): number {
  let sum = 0;
  ring.forEach(([x, y], index) => {
    const [nextX, nextY] = ring[(index + 1) % ring.length]!;
    sum += x * nextY - nextX * y;
  });
  return sum;
}

/**
 * Where an outline touches itself it is cut into rings that do not: what an outer ring encloses on the way is a hole then (RFC
 * 7946 takes over that rings are simple).
 */
export function toOutline({ outer, holes }: TracedObject): Outline {
  const pieces = [outer, ...holes].flatMap(simpleRings);
  const isOuter = (ring: Ring) => doubleArea(ring) > 0;
  return { outer: pieces.find(isOuter)!, holes: pieces.filter((ring) => !isOuter(ring)) };
}

function simpleRings(ring: Ring): Ring[] {
  const found: Ring[] = [];
  const path: Corner[] = [];
  const places = new Map<string, number>();
  for (const corner of ring) {
    const key = corner.join();
    const before = places.get(key);
    if (before !== undefined) {
      const loop = path.splice(before);
      for (const passed of loop) places.delete(passed.join());
      found.push(loop);
    }
    places.set(key, path.length);
    path.push(corner);
  }
  return [...found, path];
}

/**
 * Douglas-Peucker: leaves out corners while the outline stays within `tolerance` pixels of them. Each ring by itself, so outlines
 * that are close may come to cross. A ring that would vanish stays as it is.
 */
export function simplify(outline: Outline, tolerance: number): Outline {
  return {
    outer: simplifyRing(outline.outer, tolerance),
    holes: outline.holes.map((ring) => simplifyRing(ring, tolerance)),
  };
}

export function simplifyRing(ring: Ring, tolerance: number): Ring {
  if (ring.length <= 4 || tolerance <= 0) return ring;
  const far = farthest(ring);
  // Two open lines: from the first corner to the one farthest from it, and back to it.
  const closed = [...ring, ring[0]!];
  const kept = new Uint8Array(closed.length);
  kept[0] = 1;
  kept[far] = 1;
  keepBetween(closed, 0, far, tolerance, kept);
  keepBetween(closed, far, ring.length, tolerance, kept);
  const simple = ring.filter((_, index) => kept[index] === 1);
  return simple.length >= 3 && doubleArea(simple) * doubleArea(ring) > 0 ? simple : ring;
}

function farthest(ring: Ring): number {
  const [x0, y0] = ring[0]!;
  let [best, most] = [0, -1];
  ring.forEach(([x, y], index) => {
    const distance = (x - x0) ** 2 + (y - y0) ** 2;
    if (distance > most) [best, most] = [index, distance];
  });
  return best;
}

/** Marks the corners to keep between two that are kept; no recursion, outlines have millions of corners. */
function keepBetween(line: Ring, from: number, to: number, tolerance: number, kept: Uint8Array): void {
  const open: (readonly [number, number])[] = [[from, to]];
  for (let range = open.pop(); range !== undefined; range = open.pop()) {
    const [start, end] = range;
    let [best, most] = [-1, tolerance];
    for (let index = start + 1; index < end; index++) {
      const distance = distanceToSegment(line[index]!, line[start]!, line[end]!);
      if (distance > most) [best, most] = [index, distance];
    }
    if (best < 0) continue;
    kept[best] = 1;
    open.push([start, best], [best, end]);
  }
}

function distanceToSegment([x, y]: Corner, [ax, ay]: Corner, [bx, by]: Corner): number {
  const [dx, dy] = [bx - ax, by - ay];
  const length = dx * dx + dy * dy;
  const along = length === 0 ? 0 : Math.min(1, Math.max(0, ((x - ax) * dx + (y - ay) * dy) / length));
  return Math.hypot(x - ax - along * dx, y - ay - along * dy);
}
