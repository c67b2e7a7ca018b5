/** One drawn aerial photograph of a river, with its exact mask. */
import { type Random, randomFor } from '../../core/random.js';
import { type Colour, type Palette, paint } from './paint.js';
import type { SceneStyle } from './style.js';
import { makeTerrain } from './terrain.js';

export { SIDE } from './style.js';

/** A drawn photograph and its mask. */
export interface RiverScene {
  /** SIDE*SIDE*3 values: red, green and blue, interleaved, 8 bits each. */
  readonly pixels: Uint8Array;
  /** SIDE*SIDE values: 255 water, 0 all else. */
  readonly mask: Uint8Array;
}

/** Draws a scene: the same pixels for the same split and index, on every machine. */
export function drawRiver(split: string, index: number): RiverScene {
  const random = randomFor(1, 0, `sample:rivers/${split}`, index);
  const style = chooseStyle(random);
  const palette = choosePalette(random);
  const terrain = makeTerrain(style, random);
  const pixels = paint(terrain, style, palette, random);
  return { pixels, mask: terrain.water.map((value) => value * 255) };
}

function chooseStyle(random: Random): SceneStyle {
  const halfWidth = random.uniform(26, 78);
  const islands = halfWidth > 42 ? random.integer(4) : random.integer(2);
  return {
    halfWidth,
    swing: random.uniform(0.05, 0.2),
    wavelength: halfWidth * random.uniform(5, 8) + 100,
    tributaries: random.integer(3),
    islands,
    bars: random.uniform(0.2, 1.6),
    woods: random.uniform(0, 0.95),
    conifers: random.next() < 0.4,
    crownRadius: random.uniform(5, 10),
    fields: random.next() < 0.5,
    road: random.next() < 0.4,
  };
}

const WATERS: readonly Pick<Palette, 'deep' | 'shallow' | 'murk'>[] = [
  { deep: [0.1, 0.2, 0.19], shallow: [0.42, 0.4, 0.3], murk: 0.8 },
  { deep: [0.16, 0.3, 0.3], shallow: [0.5, 0.5, 0.4], murk: 0.6 },
  { deep: [0.12, 0.13, 0.1], shallow: [0.36, 0.28, 0.18], murk: 1.1 },
  { deep: [0.44, 0.38, 0.27], shallow: [0.52, 0.46, 0.34], murk: 3 },
  { deep: [0.25, 0.33, 0.22], shallow: [0.42, 0.42, 0.28], murk: 1.6 },
  { deep: [0.3, 0.38, 0.42], shallow: [0.48, 0.48, 0.44], murk: 1.8 },
];

const GRAVELS: readonly Colour[] = [
  [0.68, 0.65, 0.59],
  [0.6, 0.59, 0.57],
  [0.72, 0.64, 0.5],
];

const GRASSES: readonly Colour[] = [
  [0.33, 0.4, 0.2],
  [0.42, 0.41, 0.24],
  [0.27, 0.37, 0.17],
];

const CROWNS: readonly Colour[] = [
  [0.2, 0.3, 0.14],
  [0.16, 0.25, 0.15],
  [0.26, 0.33, 0.15],
];

function choosePalette(random: Random): Palette {
  // Lighter or darker, and a little warmer or colder; never purple.
  const near = ([red, green, blue]: Colour): Colour => {
    const light = random.uniform(0.88, 1.14);
    const warm = random.uniform(-0.05, 0.05);
    return [red * light * (1 + warm), green * light, blue * light * (1 - warm)];
  };
  const any = <T>(list: readonly T[]): T => list[random.integer(list.length)]!;
  const water = any(WATERS);
  const warmth = random.uniform(-0.06, 0.06);
  return {
    deep: near(water.deep),
    shallow: near(water.shallow),
    murk: water.murk * random.uniform(0.7, 1.3),
    gravel: near(any(GRAVELS)),
    grass: near(any(GRASSES)),
    crown: near(any(CROWNS)),
    glare: random.next() < 0.5 ? random.uniform(0.35, 1) : random.uniform(0, 0.15),
    whitewater: random.next() < 0.4 ? random.uniform(0.4, 1) : 0,
    haze: random.next() < 0.4 ? random.uniform(0.1, 0.35) : random.uniform(0, 0.06),
    hazeColour: [0.68, 0.72, 0.77],
    cast: [1 + warmth, 1, 1 - warmth],
    exposure: random.uniform(1, 1.35),
    contrast: random.uniform(0.9, 1.2),
    shadowReach: random.uniform(0.5, 1.5),
    shadowDepth: random.uniform(0.4, 0.68),
    noise: random.uniform(0.02, 0.06),
  };
}
