/**
 * ViT-B at full size against transformers, made on the spot: where `python3` (or SAM_TEST_PYTHON) has torch, transformers and
 * safetensors. Elsewhere the small fixtures stand for it (parity.test.ts): this file then only says so.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { native } from '../../lib/addon/native.js';

const root = join(import.meta.dirname, '../..');
const python = process.env.SAM_TEST_PYTHON ?? 'python3';
const here = spawnSync(python, ['-c', 'import torch, transformers, safetensors'], { stdio: 'ignore' }).status === 0;

const floats = (path: string) => {
  const bytes = readFileSync(path);
  return new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
};

async function embeddingOf(folder: string, precision: 'fp32' | 'bf16'): Promise<Float32Array> {
  const encoder = await native().loadEncoder({ path: join(folder, 'model.safetensors'), device: 'cpu', precision });
  const pixels = new Uint8Array(readFileSync(join(folder, 'picture.raw')));
  const encoding = await encoder.begin({ pixels, width: 1024, height: 1024 });
  while (!(await encoding.advance()));
  const embeddings = encoding.embeddings();
  const values = embeddings.toFloat32Array();
  for (const held of [embeddings, encoding, encoder]) held.dispose();
  return values;
}

function compare(ours: Float32Array, reference: Float32Array): { largest: number; relative: number } {
  let [largest, error, norm] = [0, 0, 0];
  for (const [i, value] of reference.entries()) {
    const difference = Math.abs(ours[i]! - value);
    largest = Math.max(largest, difference);
    error += difference ** 2;
    norm += value ** 2;
  }
  return { largest, relative: Math.sqrt(error / norm) };
}

if (!here) {
  it(`${python} has no transformers here: the small fixtures stand for the full size`, () => {
    expect(here).toBe(false);
  });
} else {
  describe('ViT-B, every parameter random', () => {
    let folder: string;
    const made = (names: string) => join(folder, names);

    beforeAll(() => {
      folder = mkdtempSync(join(tmpdir(), 'sam-full-size-'));
      const script = join(root, 'scripts/reference_vit.py');
      for (const names of ['hugging-face', 'meta']) {
        execFileSync(python, [script, 'base', made(names), '--names', names], { stdio: 'ignore' });
      }
    }, 600_000);
    afterAll(() => rmSync(folder, { recursive: true, force: true }));

    it.each(['hugging-face', 'meta'])(
      "under %s's names: the embedding agrees with transformers to 1e-4",
      async (names) => {
        const reference = floats(join(made(names), 'embedding.raw'));
        expect(compare(await embeddingOf(made(names), 'fp32'), reference).largest).toBeLessThan(1e-4);
      },
      300_000,
    );

    it('stays within 3 % in bf16', async () => {
      const reference = floats(join(made('meta'), 'embedding.raw'));
      expect(compare(await embeddingOf(made('meta'), 'bf16'), reference).relative).toBeLessThan(0.03);
    }, 300_000);

    it('exported from either naming, transformers opens it and every tensor is as it was', async () => {
      for (const names of ['hugging-face', 'meta']) {
        const output = join(made('hugging-face'), `exported-${names}.safetensors`);
        await native().exportModel({ format: 'hf', weights: join(made(names), 'model.safetensors'), output });
        const check =
          'import sys, torch; from safetensors.torch import load_file; from transformers import SamModel; ' +
          'model = SamModel.from_pretrained(sys.argv[1]); before = {k: v.clone() for k, v in model.state_dict().items()}; ' +
          'model.load_state_dict(load_file(sys.argv[2]), strict=True); after = model.state_dict(); ' +
          'assert all(torch.equal(before[k], after[k]) for k in before)';
        execFileSync(python, ['-c', check, made('hugging-face'), output], { stdio: ['ignore', 'ignore', 'inherit'] });
      }
    }, 300_000);
  });
}
