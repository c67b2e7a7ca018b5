import { describe, expect, it } from 'vitest';
import { toHalf, toHalves } from '../../lib/onnx/half.js';

/** What 16 bits stand for, by the standard's definition. */
function fromHalf(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const mantissa = bits & 1023;
  if (exponent === 31) return mantissa === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return sign * (exponent === 0 ? mantissa * 2 ** -24 : (1 + mantissa / 1024) * 2 ** (exponent - 15));
}

describe('half precision', () => {
  it('keeps every number that is a half', () => {
    const all = Array.from({ length: 0x10000 }, (_, bits) => bits);
    const isNone = (bits: number) => Number.isNaN(fromHalf(bits));
    expect(
      all.filter((bits) => (isNone(bits) ? !isNone(toHalf(fromHalf(bits))) : toHalf(fromHalf(bits)) !== bits)),
    ).toEqual([]);
  });

  it('rounds to the nearest, and to the even one half-way', () => {
    const wrong = Array.from({ length: 0x7bff }, (_, bits) => bits).filter((bits) => {
      const middle = (fromHalf(bits) + fromHalf(bits + 1)) / 2; // exact in fp32
      const near = [1 - 2 ** -22, 1, 1 + 2 ** -22].map((factor) => toHalf(middle * factor));
      return `${near}` !== `${[bits, bits + (bits % 2), bits + 1]}`;
    });
    expect(wrong).toEqual([]);
  });

  it('turns what is beyond the largest into infinity, from half a step above it on', () => {
    expect([65504, 65519, 65520, 1e30, -1e30].map(toHalf)).toEqual([0x7bff, 0x7bff, 0x7c00, 0x7c00, 0xfc00]);
  });

  it('rounds an array', () => {
    expect(toHalves(Float32Array.of(1, -2, 0.1))).toEqual(Uint16Array.of(0x3c00, 0xc000, 0x2e66));
  });
});
