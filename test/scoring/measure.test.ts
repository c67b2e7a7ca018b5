import { expect, test } from 'vitest';
import { toLowRes } from '../../lib/data/low-res.js';
import { Ruler } from '../../lib/scoring/measure.js';

const [WIDTH, HEIGHT] = [640, 480];
const pixels = (inside: (x: number, y: number) => boolean) =>
  Uint8Array.from({ length: WIDTH * HEIGHT }, (_, at) => (inside(at % WIDTH, Math.floor(at / WIDTH)) ? 1 : 0));

/** A disk, of which the first 60 columns have no label. */
const labelled = pixels((x) => x >= 200);
const disk = pixels((x, y) => x >= 200 && Math.hypot(x - 280, y - 240) < 150);
const label = { values: disk, labelled, width: WIDTH, height: HEIGHT };
/** A mask that is a little off, with the whole disk or the opposite of it where there is no label. */
const off = pixels((x, y) => x >= 200 && Math.hypot(x - 286, y - 240) < 150);
const beyond = pixels((x, y) => x < 200 && Math.hypot(x - 280, y - 240) < 150);

test('what a mask says where there is no label moves no score, at no resolution', async () => {
  const ruler = new Ruler(label, undefined);
  const expected = await ruler.measure(off);
  expect(expected.iou).toBeGreaterThan(0.9);
  expect(expected.iou).toBeLessThan(0.99);
  for (const other of [beyond, labelled.map((value) => 1 - value)]) {
    const mask = off.map((value, at) => value | other[at]!);
    expect(await ruler.measure(mask)).toEqual(expected);
    const logits = Float32Array.from(
      toLowRes({ values: mask, width: WIDTH, height: HEIGHT }, 256).values,
      (v) => v - 0.5,
    );
    expect(await ruler.measure(mask, logits)).toEqual(expected);
  }
});

test('accuracy is the share of the pixels that have a label', async () => {
  const { accuracy, labelPixels, predictedPixels, accuracyAt256 } = await new Ruler(label, undefined).measure(
    pixels(() => true),
  );
  const all = labelled.reduce((sum, value) => sum + value, 0);
  expect(predictedPixels).toBe(all);
  expect(accuracy).toBeCloseTo(labelPixels / all, 12);
  expect(accuracyAt256).toBeCloseTo(labelPixels / all, 2);
});

test('a label that is everywhere gives the scores of one of which nothing is said', async () => {
  const plain = { values: disk, width: WIDTH, height: HEIGHT };
  const everywhere = { ...plain, labelled: pixels(() => true) };
  expect(await new Ruler(everywhere, undefined).measure(off)).toEqual(await new Ruler(plain, undefined).measure(off));
});
