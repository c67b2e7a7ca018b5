/** The lie of the land: where there is water, gravel, woods, fields and roads, and how high things stand. */
import type { Random } from '../../core/random.js';
import { type Course, makeCourse, nearnessTo } from './channel.js';
import { clamp, noiseField, sineOfTurns } from './noise.js';
import { type SceneStyle, SIDE } from './style.js';
import { growWoods } from './woods.js';

/** The lie of the land, SIDE*SIDE values each; lengths are pixels. */
export interface Terrain {
  /** Distance to the water's edge, negative in the water; what stands over the water does not count. */
  readonly level: Float32Array;
  /** Half the width of the nearest channel. */
  readonly channelHalf: Float32Array;
  /** Coordinate along the nearest channel. */
  readonly along: Float32Array;
  /** Coordinate across the nearest channel, 0 in its middle. */
  readonly across: Float32Array;
  /** Distance to the outer edge of gravel and sand, negative on it (and in the water). */
  readonly gravel: Float32Array;
  /** Distance to the edge of the road, negative on it; far where there is none. */
  readonly road: Float32Array;
  /** Height of what stands there. */
  readonly height: Float32Array;
  /** Tone of the crown that stands there, which its colour is made from; 0 where none stands. */
  readonly crown: Float32Array;
  /** Water that is seen from above: 1, and 0 for all else. */
  readonly water: Uint8Array;
}

/** Makes the land of a scene. */
export function makeTerrain(style: SceneStyle, random: Random): Terrain {
  const river = makeRiver(style, random);
  const courses = [river, ...makeTributaries(style, river, random)];
  const edges = edgeNoise(random);
  const channels = joinChannels(courses, style, edges);
  raiseIslands(channels, river, style, edges, random);
  const road = style.road ? makeRoad(random) : new Float32Array(SIDE * SIDE).fill(1000);
  const { height, crown } = growWoods(style, channels, road, random);
  const water = new Uint8Array(SIDE * SIDE);
  for (let at = 0; at < water.length; at++) {
    water[at] = channels.level[at]! < 0 && crown[at] === 0 && road[at]! > 0 ? 1 : 0;
  }
  return { ...channels, road, height, crown, water };
}

type Channels = Pick<Terrain, 'level' | 'channelHalf' | 'along' | 'across' | 'gravel'>;

/** Makes the main river, through a point near the middle, long enough to leave the picture on both sides. */
function makeRiver(style: SceneStyle, random: Random): Course {
  const direction = random.next();
  const length = 1500;
  const back = length / 2;
  const middle = () => SIDE * random.uniform(0.35, 0.65);
  const shared = { direction, length, variation: 0.3, taper: 1 };
  const course = makeCourse(
    { ...shared, start: [0, 0], swing: style.swing, wavelength: style.wavelength, halfWidth: style.halfWidth },
    random,
  );
  const [x, y] = [middle() - course.x[back]!, middle() - course.y[back]!];
  return { ...course, x: course.x.map((value) => value + x), y: course.y.map((value) => value + y) };
}

function makeTributaries(style: SceneStyle, river: Course, random: Random): Course[] {
  return Array.from({ length: style.tributaries }, () => {
    const at = Math.floor(river.x.length * random.uniform(0.38, 0.62));
    const side = random.next() < 0.5 ? -1 : 1;
    const direction = turnsOf(river.dx[at]!, river.dy[at]!) + side * random.uniform(0.14, 0.27);
    const swing = random.uniform(0.06, 0.14);
    const wavelength = random.uniform(60, 130);
    const halfWidth = Math.max(5, style.halfWidth * random.uniform(0.16, 0.34));
    const start = [river.x[at]!, river.y[at]!] as const;
    return makeCourse(
      { start, direction, length: 600, swing, wavelength, halfWidth, variation: 0.35, taper: 0.6 },
      random,
    );
  });
}

/** Finds the direction of a unit vector, in turns, by search: no arc tangent needed. */
function turnsOf(dx: number, dy: number): number {
  let best = 0;
  let greatest = -2;
  for (let step = 0; step < 256; step++) {
    const along = dx * sineOfTurns(step / 256 + 0.25) + dy * sineOfTurns(step / 256);
    if (along > greatest) [greatest, best] = [along, step / 256];
  }
  return best;
}

function edgeNoise(random: Random): Float32Array {
  const broad = noiseField(SIDE, 40, 4, random.integer(2 ** 30));
  const fine = noiseField(SIDE, 7, 2, random.integer(2 ** 30));
  return broad.map((value, at) => (value - 0.5) * 18 + (fine[at]! - 0.5) * 4);
}

function joinChannels(courses: readonly Course[], style: SceneStyle, edges: Float32Array): Channels {
  const numbers = (fill: number) => new Float32Array(SIDE * SIDE).fill(fill);
  const level = numbers(1e6);
  const gravel = numbers(1e6);
  const [channelHalf, along, across] = [numbers(0), numbers(0), numbers(0)];
  courses.forEach((course, order) => {
    const { index, distance } = nearnessTo(course, SIDE);
    for (let at = 0; at < level.length; at++) {
      const point = index[at]!;
      const half = course.half[point]!;
      const rough = edges[at]! * clamp(half / 25, 0.3, 1);
      const edge = distance[at]! - half + rough;
      // Gravel lies inside the bends, and as a narrow beach elsewhere.
      const side =
        (at % SIDE) * course.dy[point]! -
        Math.floor(at / SIDE) * course.dx[point]! -
        (course.x[point]! * course.dy[point]! - course.y[point]! * course.dx[point]!);
      const inside = clamp((side < 0 ? 1 : -1) * course.bend[point]! * 1.4 - 0.15);
      const bar = edge - half * style.bars * inside - style.bars * (1.5 + 0.5 * edges[at]!);
      if (bar < gravel[at]!) gravel[at] = bar;
      if (edge >= level[at]!) continue;
      level[at] = edge;
      channelHalf[at] = half;
      along[at] = point + order * 2000;
      across[at] = side;
    }
  });
  return { level, gravel, channelHalf, along, across };
}

/** Raises islands and bars in midstream, long in the direction of flow. */
function raiseIslands(channels: Channels, river: Course, style: SceneStyle, edges: Float32Array, random: Random): void {
  for (let count = 0; count < style.islands; count++) {
    const at = Math.floor(river.x.length * random.uniform(0.36, 0.64));
    const half = river.half[at]!;
    const off = half * random.uniform(-0.4, 0.4);
    const [x, y] = [river.x[at]! - river.dy[at]! * off, river.y[at]! + river.dx[at]! * off];
    const long = half * random.uniform(0.7, 1.9);
    const wide = half * random.uniform(0.16, 0.38);
    for (let row = 0; row < SIDE; row++) {
      for (let column = 0; column < SIDE; column++) {
        const u = ((column - x) * river.dx[at]! + (row - y) * river.dy[at]!) / long;
        const v = ((row - y) * river.dx[at]! - (column - x) * river.dy[at]!) / wide;
        const square = u * u + v * v;
        if (square > 3) continue;
        const pixel = row * SIDE + column;
        const island = (1 - Math.sqrt(square)) * wide + edges[pixel]! * 0.5;
        if (island > channels.level[pixel]!) channels.level[pixel] = island;
        // The heart of a large island is no longer gravel but grown over.
        if (island - 7 > channels.gravel[pixel]!) channels.gravel[pixel] = island - 7;
      }
    }
  }
}

function makeRoad(random: Random): Float32Array {
  const start = [SIDE * random.uniform(-0.1, 0.3), -80] as const;
  const halfWidth = random.uniform(2.5, 5);
  const road = makeCourse(
    {
      start,
      direction: random.uniform(0.08, 0.22),
      length: 1100,
      swing: 0.04,
      wavelength: 420,
      halfWidth,
      variation: 0,
      taper: 1,
    },
    random,
  );
  const turned = random.next() < 0.5;
  const { distance } = nearnessTo(turned ? { ...road, x: road.y, y: road.x } : road, SIDE);
  return distance.map((value) => value - halfWidth);
}
