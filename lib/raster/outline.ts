/** Rings as GeoJSON wants them: simple, and with fewer corners where asked. */
import type { Corner, Ring, TracedObject } from './rings.js';

/** An object's outline: a polygon with holes, whose rings touch themselves nowhere. Corners are those of pixels. */
export interface Outline {
  /** Ring around the object, clockwise on the screen; its first corner is not repeated. */
  readonly outer: Ring;
  /** Rings around what the object encloses, the other way round. */
  readonly holes: readonly Ring[];
}

/** Returns twice the area within a ring: positive where the ring runs clockwise on the screen (y down), else negative. */
export function doubleArea(ring: Ring): number {
  let sum = 0;
  ring.forEach(([x, y], index) => {
    const [nextX, nextY] = ring[(index + 1) % ring.length]!;
    sum += x * nextY - nextX * y;
  });
  return sum;
}

/**
 * Cuts an object's rings where they touch themselves, so that none does (RFC 7946 wants simple rings). What an outer ring encloses on
 * its way becomes a hole.
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

/** Simplifies each ring of an outline by {@link simplifyRing}; by itself, so rings that are close may come to cross. */
export function simplify(outline: Outline, tolerance: number): Outline {
  return {
    outer: simplifyRing(outline.outer, tolerance),
    holes: outline.holes.map((ring) => simplifyRing(ring, tolerance)),
  };
}

/**
 * Leaves out corners of a ring while it stays within `tolerance` pixels of them (Douglas and Peucker 1973). A ring that would vanish
 * stays as it is.
 */
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

/** Marks the corners to keep between two that are kept. Does not recurse: outlines have millions of corners. */
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
