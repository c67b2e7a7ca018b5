import { describe, expect, test } from 'vitest';
import { distance } from '../../../lib/tasks/export/compare.js';
import { type DecodedMasks, eachPrompt, metaPrompts } from '../../../lib/tasks/export/exported.js';

const PLANE = 256 * 256;

/** Masks whose planes are above 0 in so many columns each. */
function masks(columns: readonly number[], iouPredictions: readonly number[], outputs: number): DecodedMasks {
  const lowResLogits = new Float32Array(columns.length * PLANE);
  columns.forEach((count, mask) => {
    for (let at = 0; at < PLANE; at++) lowResLogits[mask * PLANE + at] = at % 256 < count ? 4 : -4;
  });
  return { lowResLogits, iouPredictions: Float32Array.from(iouPredictions), outputs };
}

const size = { width: 256, height: 256 };
const drawing = { maskOutput: 'multi', multiMask: 'best', imageSize: undefined, size, present: undefined } as const;

describe('two answers', () => {
  const model = masks([200, 10, 20, 30], [0.99, 0.1, 0.9, 0.2], 4);

  test('that are the same lie nowhere apart, with four masks or the last three', async () => {
    const none = { iou: 1, logits: 0, scores: 0 };
    expect(await distance(model, model, drawing)).toEqual(none);
    expect(await distance(masks([10, 20, 30], [0.1, 0.9, 0.2], 3), model, drawing)).toMatchObject({
      iou: 1,
      logits: 0,
    });
  });

  test('are compared by the masks that their own scores choose', async () => {
    const found = await distance(masks([200, 10, 20, 30], [0.99, 0.1, 0.8, 0.85], 4), model, drawing);
    expect(found.iou).toBeCloseTo(20 / 30, 2);
    expect(found.logits).toBe(0);
    expect(found.scores).toBeCloseTo(0.65);
  });

  test('of a single output are those of token 0', async () => {
    const other = masks([100, 10, 20, 30], [0.99, 0.1, 0.9, 0.2], 4);
    expect((await distance(other, model, { ...drawing, maskOutput: 'single' })).iou).toBeCloseTo(0.5, 2);
    expect((await distance(other, model, drawing)).iou).toBe(1);
  });

  test('of several prompts are the best one, or the mean, and missing prompts have no say', async () => {
    const both = (first: number, second: number) =>
      masks([0, first, 0, 0, 0, second, 0, 0], [0, 0.5, 0, 0, 0, 0.9, 0, 0], 4);
    const present = Uint8Array.of(1, 0);
    expect((await distance(both(40, 10), both(40, 20), drawing)).iou).toBeCloseTo(0.5, 2);
    expect((await distance(both(40, 10), both(40, 20), { ...drawing, present })).iou).toBe(1);
    expect((await distance(both(40, 20), both(20, 20), { ...drawing, multiMask: 'mean' })).iou).toBe(1);
  });

  test('lie as far apart as can be where one is NaN, or too short', async () => {
    const broken = masks([200, 10, 20, 30], [0.99, 0.1, 0.9, 0.2], 4);
    broken.lowResLogits[5] = Number.NaN;
    expect((await distance(broken, model, drawing)).logits).toBe(Number.POSITIVE_INFINITY);
  });
});

describe("prompts in Meta's terms", () => {
  test('leave out missing points; a prompt without a box is padded, a box is two corners', () => {
    const points = Float32Array.of(1, 2, 3, 4, 5, 6, 7, 8);
    const shared = {
      images: 1,
      promptsPerImage: 2,
      pointsPerPrompt: 2,
      points,
      pointLabels: Int32Array.of(1, 0, 1, -100),
    };
    const told = (batch: Parameters<typeof metaPrompts>[0]) =>
      metaPrompts(batch).map(({ points, labels }) => [[...points], [...labels]]);
    expect(told(shared)).toEqual([
      [
        [1, 2, 3, 4, 0, 0],
        [1, 0, -1],
      ],
      [
        [5, 6, 0, 0],
        [1, -1],
      ],
    ]);
    expect(told({ ...shared, boxes: Float32Array.of(9, 9, 10, 10, 11, 11, 12, 12) })).toEqual([
      [
        [1, 2, 3, 4, 9, 9, 10, 10],
        [1, 0, 2, 3],
      ],
      [
        [5, 6, 11, 11, 12, 12],
        [1, 2, 3],
      ],
    ]);
  });

  test('are asked one after the other, and the answers joined', async () => {
    const batch = { images: 1, promptsPerImage: 2, pointsPerPrompt: 0, boxes: Float32Array.of(1, 1, 2, 2, 3, 3, 4, 4) };
    const { lowResLogits, iouPredictions, outputs } = await eachPrompt(batch, async ({ points }) => ({
      lowResLogits: new Float32Array(4 * PLANE).fill(points[0]!),
      iouPredictions: new Float32Array(4).fill(points[0]!),
      outputs: 4,
    }));
    expect([lowResLogits.length, lowResLogits[4 * PLANE - 1], lowResLogits[4 * PLANE], outputs]).toEqual([
      8 * PLANE,
      1,
      3,
      4,
    ]);
    expect([...iouPredictions]).toEqual([1, 1, 1, 1, 3, 3, 3, 3]);
  });
});
