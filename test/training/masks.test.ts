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

test('a set of any size takes a fixed amount of memory', async () => {
  const sample = await sampler(16, 16);
  const masks = new LowResMasks(256, undefined);
  const mask = { values: new Uint8Array(256).fill(1), width: 16, height: 16 };
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const used = () => {
    collect();
    return process.memoryUsage().arrayBuffers;
  };
  const before = used();
  for (let index = 0; index < 6000; index++) await masks.get(sample(`${index}`, () => mask));
  expect(masks.kept).toBeLessThan(4000);
  expect(used() - before).toBeLessThan(40e6);
});
