import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { PromptBatch } from '../../binding.js';
import { native } from '../../lib/addon/native.js';
import { sha256File } from '../../lib/core/hash.js';
import { readSafetensorsHeader } from '../../lib/runs/safetensors-header.js';
import { eachPrompt, metaPrompts } from '../../lib/tasks/export/exported.js';

let folder: string;
const at = (name: string) => join(folder, name);

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'sam-exports-'));
  await native().randomWeights({ encoder: 'ViT-B', seed: 1, output: at('vit.safetensors') });
  await native().randomWeights({ encoder: 'TinyViT', seed: 2, output: at('tiny.safetensors') });
}, 120_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('weights in the names of others', () => {
  it("go from Hugging Face's to Meta's and back, bit for bit, by way of a .pth and of safetensors", async () => {
    const first = at('first.safetensors');
    await native().exportModel({ format: 'hf', weights: at('vit.safetensors'), output: first });
    for (const container of ['pth', 'safetensors'] as const) {
      const [there, back] = [at(`meta.${container}`), at(`back-${container}.safetensors`)];
      await native().exportModel({ format: 'meta', weights: first, container, output: there });
      expect(await native().inspectWeights({ path: there })).toMatchObject({ names: 'meta', encoder: 'ViT-B' });
      await native().exportModel({ format: 'hf', weights: there, output: back });
      expect(await sha256File(back)).toBe(await sha256File(first));
      for (const done of [there, back]) rmSync(done);
    }
  }, 120_000);

  it('of a TinyViT have the classifier that its own package wants, whatever the file came with', async () => {
    const [once, twice] = [at('tiny-meta.safetensors'), at('tiny-again.safetensors')];
    const tiny = at('tiny.safetensors');
    await native().exportModel({ format: 'meta', weights: tiny, container: 'safetensors', output: once });
    await native().exportModel({ format: 'meta', weights: once, container: 'safetensors', output: twice });
    expect(await sha256File(twice)).toBe(await sha256File(once));
    const [{ tensors: source }, { tensors: found }] = [
      await readSafetensorsHeader(tiny),
      await readSafetensorsHeader(once),
    ];
    const added = Object.keys(found).filter((name) => !(name in source));
    expect(added.sort()).toEqual(
      ['head.bias', 'head.weight', 'norm_head.bias', 'norm_head.weight'].map((name) => `image_encoder.${name}`),
    );
    expect(Object.keys(found)).toEqual(expect.arrayContaining(Object.keys(source)));
  });

  it('may be the prompt side alone, and may take the parts of several files', async () => {
    const [decoder, mixed, back] = [at('decoder.pth'), at('mixed.safetensors'), at('decoder-back.safetensors')];
    const tiny = at('tiny.safetensors');
    await native().exportModel({ format: 'meta', part: 'decoder', weights: tiny, container: 'pth', output: decoder });
    expect(await native().inspectWeights({ path: decoder })).toMatchObject({ encoder: null, maskDecoder: true });
    expect(statSync(decoder).size).toBeLessThan(17e6);
    const vit = at('vit.safetensors');
    await native().exportModel({ format: 'hf', weights: tiny, encoder: vit, decoder, output: mixed });
    expect(await native().inspectWeights({ path: mixed })).toMatchObject({ encoder: 'ViT-B', names: 'hugging-face' });
    await native().exportModel({ format: 'hf', part: 'decoder', weights: mixed, output: back });
    const { tensors } = await readSafetensorsHeader(back);
    expect(Object.keys(tensors).filter((name) => name.startsWith('vision_encoder.'))).toEqual([]);
  });

  it('that cannot be are refused', async () => {
    const output = at('never');
    const tiny = at('tiny.safetensors');
    const refused = (options: object) =>
      expect(native().exportModel({ format: 'hf', weights: tiny, output, ...options })).rejects;
    await refused({}).toMatchObject({ code: 'SAM_BAD_CHECKPOINT', message: expect.stringContaining('no ViT') });
    await refused({ format: 'meta', weights: at('decoder.pth') }).toMatchObject({ code: 'SAM_BAD_CHECKPOINT' });
    await refused({ output: at('no-folder/x') }).toMatchObject({ code: 'SAM_BAD_CHECKPOINT' });
    await refused({ part: 'decoder', output: at('no-folder/x') }).toMatchObject({ code: 'SAM_IO' });
    expect(() => native().exportModel({ format: 'onnx' as 'hf', weights: tiny, output })).toThrow(
      'format must be one of',
    );
  });

  it('fail with SAM_IO where the folder takes no file, TorchScript and .pth too', async () => {
    const weights = at('tiny.safetensors');
    for (const options of [{ format: 'meta', container: 'pth' }, { format: 'torchscript' }] as const) {
      const result = native().exportModel({ ...options, weights, output: '/proc/none' });
      await expect(result).rejects.toMatchObject({ code: 'SAM_IO' });
    }
  });
});

describe('the decoder as TorchScript', () => {
  const embedding = Float32Array.from({ length: 256 * 64 * 64 }, (_, i) => Math.sin(i * 0.37) * 0.3);
  /** Three prompts: two points, one point, none but where there are boxes. */
  const batch: PromptBatch = {
    images: 1,
    promptsPerImage: 3,
    pointsPerPrompt: 2,
    points: Float32Array.of(100, 200, 700.5, 300, 512, 512, 0, 0, 20, 900, 40, 50),
    pointLabels: Int32Array.of(1, 0, 1, -100, 0, 1),
  };
  const boxes = Float32Array.of(10, 20, 300, 400, 500, 100, 900, 1000, 0, 0, 1023, 700);
  const masks = Float32Array.from({ length: 3 * 256 * 256 }, (_, i) => Math.cos(i * 0.011) * 5);

  it.each([
    ['points', batch],
    ['boxes', { images: 1, promptsPerImage: 3, pointsPerPrompt: 0, boxes }],
    ['all at once', { ...batch, boxes, masks }],
  ])('gives what the model gives: %s', async (_, prompts) => {
    const weights = at('tiny.safetensors');
    const script = at('decoder.pt');
    await native().exportModel({ format: 'torchscript', part: 'decoder', weights, normEpsilon: 1e-4, output: script });
    using model = await native().loadModel({ weights, normEpsilon: 1e-4, device: 'cpu', precision: 'fp32' });
    using embeddings = native().embeddingsFrom(embedding);
    const multi = await model.decode({ embeddings, prompts, maskOutput: 'multi' });
    const single = await model.decode({ embeddings, prompts, maskOutput: 'single' });
    const found = await eachPrompt(prompts, ({ points, labels, mask }) =>
      native().decodeScript({
        path: script,
        embeddings,
        prompts: 1,
        pointsPerPrompt: labels.length,
        points,
        pointLabels: labels,
        ...(mask && { masks: mask }),
      }),
    );
    expect(found.outputs).toBe(4);
    const plane = 256 * 256;
    for (let prompt = 0; prompt < 3; prompt++) {
      for (let token = 0; token < 4; token++) {
        const [from, index] = token === 0 ? [single, prompt] : [multi, prompt * 3 + token - 1];
        const mine = found.lowResLogits.subarray((prompt * 4 + token) * plane, (prompt * 4 + token + 1) * plane);
        const theirs = from.lowResLogits.subarray(index * plane, (index + 1) * plane);
        expect(mine.reduce((most, value, i) => Math.max(most, Math.abs(value - theirs[i]!)), 0)).toBeLessThan(2e-3);
        expect(found.iouPredictions[prompt * 4 + token]).toBeCloseTo(from.iouPredictions[index]!, 4);
      }
    }
  });

  it('a script that is none is said so', async () => {
    using embeddings = native().embeddingsFrom(embedding);
    const [prompt] = metaPrompts(batch);
    const options = { embeddings, prompts: 1, pointsPerPrompt: 3, points: prompt!.points, pointLabels: prompt!.labels };
    await expect(native().decodeScript({ ...options, path: at('nothing.pt') })).rejects.toMatchObject({
      code: 'SAM_IO',
    });
  });
});

describe('preprocess', () => {
  const picture = {
    pixels: Uint8Array.from({ length: 30 * 20 * 3 }, (_, i) => (i * 7919) % 251),
    width: 30,
    height: 20,
  };

  it('normalises and pads', async () => {
    const { values, width, height } = await native().preprocess(picture);
    expect([values.length, width, height]).toEqual([3 * 1024 * 1024, 1024, 683]);
    expect(values[0]).toBeCloseTo((picture.pixels[0]! / 255 - 0.485) / 0.229, 5);
    expect(values.subarray(683 * 1024, 1024 * 1024).every((value) => value === 0)).toBe(true);
    expect(values[1024 * 1024 + 682 * 1024 + 1023]).not.toBe(0);
  });

  it('fills the frame where the picture is squashed first', async () => {
    const { width, height } = await native().preprocess({ ...picture, imageSize: 64 });
    expect([width, height]).toEqual([1024, 1024]);
  });
});
