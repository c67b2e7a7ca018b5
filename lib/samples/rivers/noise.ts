/**
 * Noise and curves for drawn scenes. Only + - * /, square roots and integer arithmetic, which every machine rounds alike:
 * Math.sin and its kin may differ in the last bit, and a pixel with them.
 */

/** Returns a number in [0, 1) for a point of the lattice, always the same. */
export function hash(x: number, y: number, seed: number): number {
  let value = Math.imul(x, 0x27d4eb2d) ^ Math.imul(y, 0x165667b1) ^ Math.imul(seed, 0x9e3779b1);
  value = Math.imul(value ^ (value >>> 15), 0x85ebca6b);
  value = Math.imul(value ^ (value >>> 13), 0xc2b2ae35);
  return ((value ^ (value >>> 16)) >>> 0) / 4294967296;
}

export function clamp(value: number, low = 0, high = 1): number {
  return Math.min(high, Math.max(low, value));
}

export function mix(from: number, to: number, share: number): number {
  return from + (to - from) * share;
}

/** Returns 0 below `low`, 1 above `high`, and rises smoothly in between. */
export function smoothstep(low: number, high: number, value: number): number {
  const share = clamp((value - low) / (high - low));
  return share * share * (3 - 2 * share);
}

/** Returns the sine of an angle in whole turns, right to 1e-4, by a polynomial. */
export function sineOfTurns(turns: number): number {
  const x = turns - Math.floor(turns + 0.5);
  // Folded into a quarter turn, where the series is short.
  const folded = x > 0.25 ? 0.5 - x : x < -0.25 ? -0.5 - x : x;
  const angle = folded * 6.283185307179586;
  const square = angle * angle;
  return angle * (1 - (square / 6) * (1 - (square / 20) * (1 - (square / 42) * (1 - square / 72))));
}

/** Returns the cosine of an angle in whole turns, right to 1e-4. */
export function cosineOfTurns(turns: number): number {
  return sineOfTurns(turns + 0.25);
}

/** Returns smooth noise at any place, in [0, 1), one wave to a unit. */
export function noiseAt(x: number, y: number, seed: number): number {
  const column = Math.floor(x);
  const row = Math.floor(y);
  const u = smoothUnit(x - column);
  const v = smoothUnit(y - row);
  const top = mix(hash(column, row, seed), hash(column + 1, row, seed), u);
  const bottom = mix(hash(column, row + 1, seed), hash(column + 1, row + 1, seed), u);
  return mix(top, bottom, v);
}

/** Makes noise of several scales over a square, in [0, 1]: waves of `cell` pixels, each further octave half as long and as strong. */
export function noiseField(side: number, cell: number, octaves: number, seed: number): Float32Array {
  const field = new Float32Array(side * side);
  let strength = 1;
  let total = 0;
  for (let octave = 0; octave < octaves; octave++) {
    addOctave(field, side, cell / 2 ** octave, strength, seed + octave * 101);
    total += strength;
    strength /= 2;
  }
  for (let index = 0; index < field.length; index++) field[index] = field[index]! / total;
  return field;
}

function addOctave(field: Float32Array, side: number, cell: number, strength: number, seed: number): void {
  const points = Math.ceil(side / cell) + 2;
  const lattice = new Float32Array(points * points);
  for (let y = 0; y < points; y++)
    for (let x = 0; x < points; x++) lattice[y * points + x] = hash(x, y, seed) * strength;
  const cells = new Int32Array(side);
  const weights = new Float32Array(side);
  for (let x = 0; x < side; x++) {
    cells[x] = Math.floor(x / cell);
    weights[x] = smoothUnit(x / cell - cells[x]!);
  }
  for (let y = 0; y < side; y++) {
    const above = cells[y]! * points;
    const v = weights[y]!;
    for (let x = 0; x < side; x++) {
      const at = above + cells[x]!;
      const u = weights[x]!;
      const top = lattice[at]! + (lattice[at + 1]! - lattice[at]!) * u;
      const bottom = lattice[at + points]! + (lattice[at + points + 1]! - lattice[at + points]!) * u;
      field[y * side + x] = field[y * side + x]! + top + (bottom - top) * v;
    }
  }
}

function smoothUnit(t: number): number {
  return t * t * t * (t * (t * 6 - 15) + 10);
}
