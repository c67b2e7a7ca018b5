import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { toLowRes } from '../../lib/data/low-res.js';
import type { Mask, Sample } from '../../lib/data/sample.js';
import { LowResMasks } from '../../lib/training/masks.js';
import { grey } from '../data/pictures.js';

async function sampler(width: number, height: number) {
  const bytes = await grey(9, width, height);
  return (name: string, draw: () => Mask): Sample => ({
    name,
    image: { path: 'x', bytes },
    mask: { path: name, draw: async () => draw() },
  });
}

test('any mask comes back as it was, from memory too', async () => {
  const sample = await sampler(13, 9);
  const masks = new LowResMasks(27, undefined);
  const pixels = fc.array(fc.constantFrom(0, 1), { minLength: 117, maxLength: 117 });
  let index = 0;
  await fc.assert(
    fc.asyncProperty(pixels, async (values) => {
      const mask = { values: Uint8Array.from(values), width: 13, height: 9 };
      let drawn = 0;
      const one = sample(`${index++}`, () => {
        drawn++;
        return mask;
      });
      const expected = toLowRes(mask, 27);
      expect([await masks.get(one), await masks.get(one)]).toEqual([expected, expected]);
      expect(drawn).toBe(1);
    }),
  );
});

test('what has no label comes back as it was, from memory too', async () => {
  const sample = await sampler(13, 9);
  const masks = new LowResMasks(27, undefined);
  const labelled = Uint8Array.from({ length: 117 }, (_, at) => (at % 13 < 4 || at > 60 ? 0 : 1));
  const mask = { values: labelled.map((value, at) => value * (at % 2)), labelled, width: 13, height: 9 };
  const one = sample('partly', () => mask);
  const expected = toLowRes(mask, 27);
  expect(expected.labelled).toContain(0);
  expect([await masks.get(one), await masks.get(one)]).toEqual([expected, expected]);
  const coarse = new LowResMasks(4, undefined);
  const onCoarse = toLowRes(mask, 4);
  expect(new Set(onCoarse.labelled)).toEqual(new Set([0, 1, 2]));
  expect([await coarse.get(one), await coarse.get(one)]).toEqual([onCoarse, onCoarse]);
});

test('runs of any length come back as they were', async () => {
  const sample = await sampler(13, 9);
  const masks = new LowResMasks(600, undefined);
  for (const value of [0, 1]) {
    const mask = { values: new Uint8Array(117).fill(value), width: 13, height: 9 };
    const one = sample(`all ${value}`, () => mask);
    const expected = toLowRes(mask, 600);
    for (const found of [await masks.get(one), await masks.get(one)]) {
      expect(found.validHeight).toBe(expected.validHeight);
      expect(Buffer.compare(found.values, expected.values)).toBe(0);
    }
  }
});

test('a set of any size takes a fixed amount of memory, whatever its labels look like', async () => {
  const sample = await sampler(256, 256);
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const used = () => {
    collect();
    collect(); // waits for the first one's buffers, which another thread frees
    return process.memoryUsage().arrayBuffers;
  };
  // A line in each row or two, and as many runs as there can be.
  for (const [count, period] of [
    [4000, 128],
    [200, 2],
  ] as const) {
    const masks = new LowResMasks(256, undefined);
    const mask = {
      values: Uint8Array.from({ length: 256 ** 2 }, (_, at) => Number(at % period === 0)),
      width: 256,
      height: 256,
    };
    const before = used();
    for (let index = 0; index < count; index++) await masks.get(sample(`${index}`, () => mask));
    expect(masks.kept).toBeGreaterThan(50);
    expect(masks.kept).toBeLessThan(count);
    expect(used() - before).toBeLessThan(10e6);
  }
}, 30_000);
