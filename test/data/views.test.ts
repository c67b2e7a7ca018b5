import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { decodeImage, decodeMask, imageSize } from '../../lib/data/decode.js';
import type { Sample } from '../../lib/data/sample.js';
import { allViews, drawnView, viewedPixels, viewedSize } from '../../lib/data/views.js';
import { viewedPrompt } from '../../lib/prompts/geometry.js';
import { picture, temporaryFolder, write } from './pictures.js';

const size = { width: 3, height: 2 };
const LETTERS = Uint8Array.from([1, 2, 3, 4, 5, 6]);

test.each([
  [0, [1, 2, 3, 4, 5, 6]],
  [1, [3, 2, 1, 6, 5, 4]],
  [2, [4, 5, 6, 1, 2, 3]],
  [3, [6, 5, 4, 3, 2, 1]],
  [4, [1, 4, 2, 5, 3, 6]],
  [5, [4, 1, 5, 2, 6, 3]],
  [6, [3, 6, 2, 5, 1, 4]],
  [7, [6, 3, 5, 2, 4, 1]],
])('view %i', async (view, expected) => {
  expect([...(await viewedPixels(LETTERS, size, 1, view))]).toEqual(expected);
  expect(viewedSize(viewedSize(size, view), view)).toEqual(size);
});

test('what has several channels keeps them together', async () => {
  const values = Uint8Array.from({ length: 18 }, (_, at) => LETTERS[Math.floor(at / 3)]! * 10 + (at % 3));
  for (let view = 0; view < 8; view++) {
    const plain = await viewedPixels(LETTERS, size, 1, view);
    const turned = await viewedPixels(values, size, 3, view);
    expect([...turned]).toEqual([...plain].flatMap((value) => [value * 10, value * 10 + 1, value * 10 + 2]));
  }
});

test('image, label and size of a view belong together', async () => {
  const folder = await temporaryFolder();
  const side = fc.integer({ min: 1, max: 9 });
  let index = 0;
  await fc.assert(
    fc.asyncProperty(side, side, fc.integer({ min: 0, max: 7 }), fc.boolean(), async (width, height, view, drawn) => {
      fc.pre(width * height > 1); // a picture of one pixel is refused
      const inside = Uint8Array.from({ length: width * height }, (_, at) => ((at * 7) % 5 < 2 ? 1 : 0));
      const mask = picture(inside, width, height, 1);
      const red = Uint8Array.from({ length: inside.length * 3 }, (_, at) => (at % 3 === 0 ? inside[at / 3]! * 255 : 9));
      const name = `${index++}`;
      const path = join(folder, `${name}.png`);
      await write(path, await picture(red, width, height, 3).png().toBuffer());
      const masks = {
        path: await write(join(folder, `${name}-mask.png`), await mask.png().toBuffer()),
        // An outline is drawn upright.
        ...(drawn && { draw: async (image: object) => ({ ...(image as typeof size), values: inside }) }),
      };
      const sample: Sample = { name, image: { path }, mask: masks, view };
      const image = await decodeImage(sample);
      const label = await decodeMask(sample, await imageSize(sample));
      expect(await imageSize(sample)).toEqual({ width: image.width, height: image.height });
      expect([label.width, label.height]).toEqual([image.width, image.height]);
      expect([...label.values]).toEqual([...label.values.keys()].map((at) => image.pixels[at * 3]! / 255));
    }),
    { numRuns: 60 },
  );
});

test('the view of an epoch depends on seed, epoch and name; all come', () => {
  const sample = { name: 'a', image: { path: 'a' } };
  expect(allViews([sample], undefined)).toEqual([sample]);
  expect(
    Array.from(allViews([sample, { ...sample, name: 'b' }], 'flips'), ({ name, view }) => `${name}${view}`),
  ).toEqual([...['a0', 'a1', 'a2', 'a3'], ...['b0', 'b1', 'b2', 'b3']]);
  expect(drawnView(sample, undefined, 1, 2)).toBe(sample);
  expect(Array.from(allViews([sample], 'dihedral'), ({ view }) => view)).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
  for (const augment of ['flips', 'dihedral'] as const) {
    const views = Array.from({ length: 200 }, (_, epoch) => drawnView(sample, augment, 1, epoch).view!);
    expect(views).toEqual(views.map((_, epoch) => drawnView({ ...sample }, augment, 1, epoch).view));
    expect(new Set(views)).toEqual(new Set(Array.from(allViews([sample], augment), ({ view }) => view)));
  }
});

test('a prompt of the picture points at the same pixels in its view, and its box holds the same ones', async () => {
  const size = { width: 5, height: 3 };
  const pixels = Uint8Array.from({ length: 15 }, (_, i) => i);
  for (let view = 0; view < 8; view++) {
    const turned = await viewedPixels(pixels, size, 1, view);
    const { width } = viewedSize(size, view);
    const at = ([x, y]: readonly [number, number]) => turned[y * width + x];
    const points = Array.from(pixels, (i) => [i % 5, Math.floor(i / 5)] as const);
    const seen = viewedPrompt({ points, labels: points.map(() => 1 as const), box: [1, 0, 3, 2] }, size, view);
    expect(seen.points.map(at)).toEqual([...pixels]);
    const [x0, y0, x1, y1] = seen.box!;
    const corners = (
      [
        [x0, y0],
        [x1, y0],
        [x0, y1],
        [x1, y1],
      ] as const
    ).map(at);
    expect(corners.sort((a, b) => a! - b!)).toEqual([1, 3, 11, 13]);
  }
});
