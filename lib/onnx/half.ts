/** IEEE 754 half precision: Node 20 has no Float16Array. */

const single = new Float32Array(1);
const bits = new Uint32Array(single.buffer);

/** Rounds to the nearest half, ties to even, and returns its 16 bits. What is beyond the largest becomes infinity. */
export function toHalf(value: number): number {
  single[0] = value;
  const x = bits[0]!;
  const sign = (x >>> 16) & 0x8000;
  const exponent = (x >>> 23) & 0xff;
  const mantissa = x & 0x7fffff;
  if (exponent === 0xff) return sign | 0x7c00 | (mantissa === 0 ? 0 : 0x200);
  const power = exponent - 112; // of the half
  if (power >= 31) return sign | 0x7c00;
  // A subnormal half has its leading one shifted into the mantissa.
  const whole = power > 0 ? (power << 23) | mantissa : mantissa | 0x800000;
  const shift = power > 0 ? 13 : 14 - power;
  if (shift > 24) return sign;
  const kept = whole >>> shift;
  const rest = whole & ((1 << shift) - 1);
  const half = 1 << (shift - 1);
  const up = rest > half || (rest === half && (kept & 1) === 1) ? 1 : 0;
  return sign | (kept + up); // a carry goes into the exponent, as it should
}

/** Rounds all values to halves. */
export function toHalves(values: Float32Array): Uint16Array {
  const halves = new Uint16Array(values.length); // `from` with a function takes ten times as long
  for (let i = 0; i < halves.length; i++) halves[i] = toHalf(values[i]!);
  return halves;
}
