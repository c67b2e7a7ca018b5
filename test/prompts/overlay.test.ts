import sharp from 'sharp';
import { expect, test } from 'vitest';
import { movedPrompt, scaledCentre } from '../../lib/prompts/geometry.js';
import { overlay } from '../../lib/prompts/overlay.js';
import type { Prompt } from '../../lib/prompts/prompt.js';

const image = { pixels: new Uint8Array(300 * 150 * 3).fill(128), width: 300, height: 150 };
const mask = { values: new Uint8Array(300 * 150), width: 300, height: 150 };
const prompt: Prompt = {
  points: [
    [40, 30],
    [250, 100],
  ],
  labels: [1, 0],
  box: [20, 10, 280, 140],
};

async function pixels(png: Buffer) {
  const { data, info } = await sharp(png).raw().toBuffer({ resolveWithObject: true });
  return (x: number, y: number) => [...data.subarray((y * info.width + x) * info.channels).subarray(0, 3)];
}

test('points inside are green, those outside red, ringed in white; the box is yellow', async () => {
  const at = await pixels(await overlay(image, mask, prompt, 600));
  expect(at(81, 61)).toEqual([0x19, 0xc2, 0x4a]);
  expect(at(501, 201)).toEqual([0xe5, 0x32, 0x2d]);
  expect(at(81 + 9, 61)).toEqual([255, 255, 255]);
  for (const side of [at(41, 150), at(561, 150), at(300, 21), at(300, 281)]) expect(side).toEqual([0xff, 0xd4, 0]);
  expect(at(300, 150)).toEqual([128, 128, 128]);
});

test('a picture made smaller first shows the prompt at the same place', async () => {
  const small = { pixels: new Uint8Array(150 * 75 * 3).fill(128), width: 150, height: 75 };
  const moved = movedPrompt(prompt, scaledCentre(0.5, 0.5));
  const smaller = await sharp(await overlay(small, mask, moved, 600))
    .raw()
    .toBuffer();
  expect(
    smaller.equals(
      await sharp(await overlay(image, mask, prompt, 600))
        .raw()
        .toBuffer(),
    ),
  ).toBe(true);
});

test('the mask is tinted, what has no label is darker, and the rest is the picture', async () => {
  const third = (from: number) => mask.values.map((_, at) => Number(at % 300 >= from && at % 300 < from + 100));
  const labelled = third(0).map((value) => 1 - value);
  const nothing: Prompt = { points: [], labels: [], box: null };
  const at = await pixels(await overlay(image, { ...mask, values: third(200), labelled }, nothing, 600));
  const [unlabelled, outside, inside] = [at(100, 150), at(300, 150), at(500, 150)] as [number[], number[], number[]];
  expect(outside).toEqual([128, 128, 128]);
  for (const channel of unlabelled) expect(channel).toBeCloseTo(128 * (1 - 115 / 255), -1);
  expect(inside[2]).toBeGreaterThan(128);
  expect(inside[0]).toBeLessThan(128);
});
