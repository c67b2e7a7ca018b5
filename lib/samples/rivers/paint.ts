/** A terrain -> colours: ground, crowns, water, light and shade, air, camera. */
import type { Random } from '../../core/random.js';
import { clamp, cosineOfTurns, hash, mix, noiseAt, noiseField, sineOfTurns, smoothstep } from './noise.js';
import { type SceneStyle, SIDE } from './style.js';
import type { Terrain } from './terrain.js';

/** Red, green, blue, 0 to 1. */
export type Colour = readonly [number, number, number];

/** How a scene is lit, seen and coloured. */
export interface Palette {
  readonly deep: Colour;
  readonly shallow: Colour;
  /** Murkiness of the water, which hides its bed: small for clear water. */
  readonly murk: number;
  readonly gravel: Colour;
  readonly grass: Colour;
  readonly crown: Colour;
  /** Strength of the sky's reflection in the water: 0 none. */
  readonly glare: number;
  readonly whitewater: number;
  readonly haze: number;
  readonly hazeColour: Colour;
  readonly cast: Colour;
  readonly exposure: number;
  readonly contrast: number;
  /** Reach of a shadow, pixels for a pixel of height. */
  readonly shadowReach: number;
  readonly shadowDepth: number;
  readonly noise: number;
}

/** Paints a terrain: SIDE*SIDE*3 values, red, green and blue, 8 bits each. */
export function paint(terrain: Terrain, style: SceneStyle, palette: Palette, random: Random): Uint8Array {
  const sun = random.next();
  const land = paintLand(terrain, style, palette, random);
  paintWater(land, terrain, palette, random);
  shade(land, terrain, palette, sun, random);
  return expose(soften(land), palette, random);
}

function paintLand(terrain: Terrain, style: SceneStyle, palette: Palette, random: Random): Float32Array {
  const colours = new Float32Array(SIDE * SIDE * 3);
  const patches = noiseField(SIDE, 70, 5, random.integer(2 ** 30));
  const grain = noiseField(SIDE, 5, 2, random.integer(2 ** 30));
  const fields = style.fields ? plough(random) : null;
  for (let at = 0; at < SIDE * SIDE; at++) {
    const coarse = patches[at]!;
    const fine = grain[at]!;
    let [red, green, blue] = palette.grass;
    const dry = smoothstep(0.35, 0.7, coarse);
    red *= 0.75 + 0.75 * dry + 0.25 * (fine - 0.5);
    green *= 0.85 + 0.3 * dry + 0.25 * (fine - 0.5);
    blue *= 0.8 + 0.5 * dry + 0.2 * (fine - 0.5);
    if (fields !== null && terrain.gravel[at]! > 22) {
      const shareOfField = 0.9;
      red = mix(red, fields[at * 3]! + 0.05 * (fine - 0.5), shareOfField);
      green = mix(green, fields[at * 3 + 1]! + 0.05 * (fine - 0.5), shareOfField);
      blue = mix(blue, fields[at * 3 + 2]! + 0.05 * (fine - 0.5), shareOfField);
    }
    const stones = smoothstep(3, -3, terrain.gravel[at]! + (fine - 0.5) * 9);
    const wet = smoothstep(7, 1, terrain.level[at]!);
    const bright = (0.8 + 0.4 * coarse + 0.45 * (fine - 0.5)) * mix(1, 0.66, wet);
    red = mix(red, palette.gravel[0] * bright, stones);
    green = mix(green, palette.gravel[1] * bright, stones);
    blue = mix(blue, palette.gravel[2] * bright, stones);
    const paved = smoothstep(0.8, -0.8, terrain.road[at]!);
    colours[at * 3] = mix(red, 0.56 + 0.05 * fine, paved);
    colours[at * 3 + 1] = mix(green, 0.55 + 0.05 * fine, paved);
    colours[at * 3 + 2] = mix(blue, 0.53 + 0.05 * fine, paved);
  }
  paintCrowns(colours, terrain, style, palette, grain);
  return colours;
}

function paintCrowns(
  colours: Float32Array,
  terrain: Terrain,
  style: SceneStyle,
  palette: Palette,
  grain: Float32Array,
): void {
  for (let at = 0; at < SIDE * SIDE; at++) {
    const tone = terrain.crown[at]!;
    if (tone === 0) continue;
    const leaf = 0.68 + 0.45 * tone + 0.7 * (grain[at]! - 0.5);
    // Some broad-leaved crowns are yellower than the rest.
    const warm = style.conifers ? 0 : smoothstep(0.8, 1, tone) * 0.06;
    colours[at * 3] = palette.crown[0] * leaf + warm;
    colours[at * 3 + 1] = palette.crown[1] * leaf + warm * 0.6;
    colours[at * 3 + 2] = palette.crown[2] * leaf;
  }
}

const CROPS: readonly Colour[] = [
  [0.36, 0.45, 0.2],
  [0.62, 0.57, 0.34],
  [0.42, 0.34, 0.25],
  [0.27, 0.38, 0.17],
  [0.52, 0.53, 0.28],
  [0.3, 0.27, 0.22],
  [0.4, 0.47, 0.36],
];

/** Paints fields: strips across the picture, cut into lengths, each with its crop, its rows and a seam of grass. */
function plough(random: Random): Float32Array {
  const colours = new Float32Array(SIDE * SIDE * 3);
  const seed = random.integer(2 ** 30);
  const [turns, strip, length] = [random.next(), random.uniform(70, 130), random.uniform(90, 220)];
  const [cos, sin] = [cosineOfTurns(turns), sineOfTurns(turns)];
  for (let at = 0; at < SIDE * SIDE; at++) {
    const [x, y] = [at % SIDE, Math.floor(at / SIDE)];
    const u = (x * cos + y * sin) / strip;
    const v = (y * cos - x * sin) / length;
    const column = Math.floor(u);
    const shifted = v + hash(column, 0, seed);
    const row = Math.floor(shifted);
    const crop = CROPS[Math.floor(hash(column, row, seed + 1) * CROPS.length)]!;
    const seam = Math.min(
      (u - column) * strip,
      (column + 1 - u) * strip,
      (shifted - row) * length,
      (row + 1 - shifted) * length,
    );
    const period = 4 + 5 * hash(column, row, seed + 2);
    const across = hash(column, row, seed + 3) < 0.5 ? u * strip : v * length;
    const rows = 1 + 0.07 * sineOfTurns(across / period) + 0.12 * (hash(column, row, seed + 4) - 0.5);
    const edge = mix(0.62, 1, smoothstep(0.5, 2.5, seam));
    for (let channel = 0; channel < 3; channel++) colours[at * 3 + channel] = crop[channel]! * rows * edge;
  }
  return colours;
}

function paintWater(colours: Float32Array, terrain: Terrain, palette: Palette, random: Random): void {
  const bed = noiseField(SIDE, 46, 4, random.integer(2 ** 30));
  const stones = noiseField(SIDE, 4, 2, random.integer(2 ** 30));
  const rough = noiseField(SIDE, 80, 3, random.integer(2 ** 30));
  const seed = random.integer(2 ** 30);
  const shine = { x: SIDE * random.next(), y: SIDE * random.next(), reach: SIDE * random.uniform(0.18, 0.5) };
  for (let at = 0; at < SIDE * SIDE; at++) {
    if (terrain.water[at] === 0) continue;
    const half = terrain.channelHalf[at]!;
    const [along, across] = [terrain.along[at]!, terrain.across[at]!];
    const depth = Math.max(0, (-terrain.level[at]! / half) * 1.3 + (bed[at]! - 0.5) * 1.5);
    const hidden = clamp((depth * palette.murk) / (0.35 + depth * palette.murk) + 0.12);
    const ripple = noiseAt(along / 9, across / 3.2, seed) + 0.6 * noiseAt(along / 3, across / 1.7, seed + 7) - 0.8;
    const flow = noiseAt(along / 70, across / 9, seed + 13) - 0.5;
    const stone = 0.78 + 0.5 * (stones[at]! - 0.5);
    const dx = (at % SIDE) - shine.x;
    const dy = Math.floor(at / SIDE) - shine.y;
    const lobe = 1 / (1 + (dx * dx + dy * dy) / (shine.reach * shine.reach));
    const sky = clamp(palette.glare * lobe * lobe * (1 + 0.9 * ripple) + palette.glare * 0.07);
    // Fast water: where the noise is high, streaks along the flow turn white.
    const fast = smoothstep(0.6, 0.76, rough[at]!) * palette.whitewater;
    const foam = fast * smoothstep(0.05, 0.5, noiseAt(along / 7, across / 2.6, seed + 21) - 0.42 + 0.4 * ripple);
    for (let channel = 0; channel < 3; channel++) {
      const shallow = palette.shallow[channel]! * stone;
      const body = mix(shallow, palette.deep[channel]!, hidden) * (1 + 0.1 * ripple + 0.16 * flow);
      const reflected = mix(body, 0.78 + 0.06 * channel, sky);
      colours[at * 3 + channel] = mix(reflected, 0.9, foam);
    }
  }
}

/** Lightens slopes towards the sun, darkens what lies in the shadow of something tall, water too, and patches below clouds. */
function shade(colours: Float32Array, terrain: Terrain, palette: Palette, sun: number, random: Random): void {
  const { height } = terrain;
  const [sunX, sunY] = [cosineOfTurns(sun), sineOfTurns(sun)];
  const hills = noiseField(SIDE, 190, 3, random.integer(2 ** 30));
  const clouds = noiseField(SIDE, 260, 3, random.integer(2 ** 30));
  const cloudy = random.next() < 0.35 ? 0.45 : 0;
  const steps = Math.ceil(palette.shadowReach * 24);
  const offsets = Array.from(
    { length: steps },
    (_, step) => [Math.round(sunX * (step + 1)), Math.round(sunY * (step + 1))] as const,
  );
  for (let y = 0; y < SIDE; y++) {
    for (let x = 0; x < SIDE; x++) {
      const at = y * SIDE + x;
      const own = height[at]!;
      let shadow = 0;
      for (let step = 0; step < steps && shadow < 1; step++) {
        const [fromX, fromY] = [x + offsets[step]![0], y + offsets[step]![1]];
        if (fromX < 0 || fromY < 0 || fromX >= SIDE || fromY >= SIDE) break;
        const above = height[fromY * SIDE + fromX]! - own - (step + 1) / palette.shadowReach;
        if (above > 0) shadow = Math.min(1, shadow + above * 0.5);
      }
      const aheadX = clamp(Math.round(x + sunX * 1.5), 0, SIDE - 1);
      const aheadY = clamp(Math.round(y + sunY * 1.5), 0, SIDE - 1);
      const facing = own > 0 ? clamp((own - height[aheadY * SIDE + aheadX]!) * 0.09, -0.35, 0.4) : 0;
      const relief = terrain.water[at] === 1 ? 0 : (hills[at]! - 0.5) * 0.3;
      const cloud = cloudy * smoothstep(0.5, 0.6, clouds[at]!);
      const light = (1 + facing + relief) * (1 - palette.shadowDepth * shadow) * (1 - cloud);
      for (let channel = 0; channel < 3; channel++) {
        // Shadows are bluer: the sky still lights them.
        const bluer = channel === 2 ? 1 + 0.12 * shadow : 1;
        colours[at * 3 + channel] = colours[at * 3 + channel]! * light * bluer;
      }
    }
  }
}

/** Softens the picture as a lens does: 1 2 1 across and down. */
function soften(colours: Float32Array): Float32Array {
  const across = new Float32Array(colours.length);
  const both = new Float32Array(colours.length);
  const row = SIDE * 3;
  for (let at = 0; at < colours.length; at++) {
    const left = at % row >= 3 ? colours[at - 3]! : colours[at]!;
    const right = at % row < row - 3 ? colours[at + 3]! : colours[at]!;
    across[at] = (left + 2 * colours[at]! + right) / 4;
  }
  for (let at = 0; at < colours.length; at++) {
    const above = at >= row ? across[at - row]! : across[at]!;
    const below = at < colours.length - row ? across[at + row]! : across[at]!;
    both[at] = (above + 2 * across[at]! + below) / 4;
  }
  return both;
}

/** Exposes the picture as air, camera and sensor do: haze, colour cast, contrast, vignette, noise, 8 bits. */
function expose(colours: Float32Array, palette: Palette, random: Random): Uint8Array {
  const pixels = new Uint8Array(colours.length);
  const thickness = noiseField(SIDE, 300, 2, random.integer(2 ** 30));
  const seed = random.integer(2 ** 30);
  for (let at = 0; at < SIDE * SIDE; at++) {
    const [x, y] = [(at % SIDE) / SIDE - 0.5, Math.floor(at / SIDE) / SIDE - 0.5];
    const vignette = 1 - 0.35 * (x * x + y * y);
    const haze = palette.haze * (0.6 + 0.8 * thickness[at]!);
    const common = hash(at, 1, seed) + hash(at, 2, seed) - 1;
    for (let channel = 0; channel < 3; channel++) {
      const clear = colours[at * 3 + channel]! * palette.cast[channel]! * palette.exposure * vignette;
      const seen = mix(clear, palette.hazeColour[channel]!, haze);
      const value = 0.45 + (seen - 0.45) * palette.contrast;
      const own = hash(at, 3 + channel, seed) - 0.5;
      pixels[at * 3 + channel] = Math.round(255 * clamp(value + palette.noise * (0.7 * common + 0.6 * own)));
    }
  }
  return pixels;
}
