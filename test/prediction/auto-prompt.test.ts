import { describe, expect, it } from 'vitest';
import type { Embeddings } from '../../binding.js';
import { findRoughMask, gridPrompts } from '../../lib/prediction/auto-prompt.js';
import { ImageEmbedding } from '../../lib/prediction/image-embedding.js';
import type { SamModel } from '../../lib/prediction/sam-model.js';
import type { Prompt } from '../../lib/prompts/prompt.js';

const SIDE = 256;
const embedding = new ImageEmbedding({} as Embeddings, 200, 100);

/** A decoder that answers a prompt with one mask: a square of so many grid pixels, and its predicted IoU. */
function decoder(answer: (prompt: Prompt) => { side: number; iou: number }) {
  const asked: number[] = [];
  const model = {
    async decode(_: ImageEmbedding, prompts: readonly Prompt[]) {
      asked.push(prompts.length);
      const answers = prompts.map(answer);
      const lowResLogits = new Float32Array(prompts.length * SIDE * SIDE).fill(-5);
      answers.forEach(({ side }, index) => {
        for (let y = 0; y < side; y++)
          lowResLogits.fill(5, index * SIDE * SIDE + y * SIDE, index * SIDE * SIDE + y * SIDE + side);
      });
      return { lowResLogits, iouPredictions: Float32Array.from(answers, ({ iou }) => iou), outputs: 1 };
    },
  };
  return { model: model as unknown as SamModel, asked };
}

const area = (values: Uint8Array) => values.reduce((sum, value) => sum + value, 0);
/** The place of a prompt in the grid, 0 to 63. */
const place = (prompt: Prompt) =>
  gridPrompts(200, 100).findIndex(
    ({ points }) => points[0]![0] === prompt.points[0]![0] && points[0]![1] === prompt.points[0]![1],
  );
const find = (model: SamModel) => findRoughMask(model, embedding, { maskOutput: 'single' });

describe('gridPrompts', () => {
  it('64 single positive points, evenly, all inside', () => {
    const prompts = gridPrompts(200, 100);
    expect(prompts).toHaveLength(64);
    expect(prompts[0]).toEqual({ points: [[12, 5.75]], labels: [1], box: null });
    expect(prompts[63]!.points[0]).toEqual([187, 93.25]);
    expect(gridPrompts(3, 1).every(({ points: [point] }) => point![0] >= 0 && point![1] >= 0)).toBe(true);
  });
});

describe('findRoughMask', () => {
  it('of masks that agree, takes the one of highest predicted IoU; decodes in chunks', async () => {
    const { model, asked } = decoder((prompt) =>
      place(prompt) === 40 ? { side: 62, iou: 0.9 } : { side: 60, iou: 0.5 },
    );
    const mask = await find(model);
    expect(area(mask!.values)).toBe(62 * 62);
    expect(mask).toMatchObject({ size: 256, validWidth: 256, validHeight: 128, imageWidth: 200, imageHeight: 100 });
    expect(asked).toEqual([16, 16, 16, 16]);
  });

  it('passes by a mask that no other point agrees with, though its predicted IoU is higher', async () => {
    const { model } = decoder((prompt) => (place(prompt) === 40 ? { side: 120, iou: 0.9 } : { side: 40, iou: 0.7 }));
    expect(area((await find(model))!.values)).toBe(40 * 40);
  });

  it('passes by specks and by the whole picture, whatever their IoU', async () => {
    const { model } = decoder((prompt) => {
      if (place(prompt) % 3 === 0) return { side: 4, iou: 0.99 }; // 16 of 32768
      if (place(prompt) % 3 === 1) return { side: 256, iou: 0.98 };
      return { side: 80, iou: 0.1 };
    });
    expect(area((await find(model))!.values)).toBe(80 * 80);
  });

  it('takes the whole picture when there is nothing else; the padding is never part of it', async () => {
    const { model } = decoder(() => ({ side: 256, iou: 0.9 }));
    expect(area((await find(model))!.values)).toBe(256 * 128);
  });

  it('finds nothing where every mask is empty', async () => {
    const { model } = decoder(() => ({ side: 0, iou: 0.9 }));
    expect(await find(model)).toBeUndefined();
  });

  it('a squashed picture fills the grid', async () => {
    const { model } = decoder(() => ({ side: 200, iou: 0.9 }));
    const squashed = new ImageEmbedding({} as Embeddings, 200, 100, 256);
    const mask = await findRoughMask(model, squashed, { maskOutput: 'single' });
    expect(mask).toMatchObject({ validWidth: 256, validHeight: 256 });
    expect(area(mask!.values)).toBe(200 * 200);
  });
});
