/**
 * The native model, losses and training against `transformers` and PyTorch: `sam_core_test` compares them with the
 * fixtures of scripts/make_fixtures.py; here its findings become tests, and the addon itself decodes some of the cases.
 */
import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Embeddings, native, type PromptBatch, type SamModel } from '../../lib/addon/native.js';

const root = join(import.meta.dirname, '../..');
const program = join(root, 'build/Release', process.platform === 'win32' ? 'sam_core_test.exe' : 'sam_core_test');
const fixtures = join(root, 'test/fixtures');

interface Check {
  name: string;
  ok: boolean;
  worst: number | null;
  tolerance: number;
}

/** Runs the program and gives its exit status and output. */
function coreTest(...options: string[]): Promise<{ status: number; stdout: string }> {
  if (!existsSync(program)) throw new Error(`${program} is not built: run 'npm run build'`);
  // Waiting threads must sleep, not spin: as lib/addon/native.ts has it for the addon.
  const env = { ...process.env, OMP_WAIT_POLICY: 'PASSIVE' };
  return new Promise((resolve, reject) => {
    execFile(program, ['--fixtures', fixtures, ...options], { env }, (error, stdout, stderr) => {
      const status = error === null ? 0 : error.code;
      if (typeof status === 'number') resolve({ status, stdout });
      else reject(new Error(`${program} ended abnormally\n${stderr}`, { cause: error }));
    });
  });
}

async function checksOf(...options: string[]): Promise<{ status: number; checks: Check[] }> {
  const { status, stdout } = await coreTest('--json', ...options);
  return { status, checks: (JSON.parse(stdout) as { checks: Check[] }).checks };
}

const failedOf = (checks: Check[]) => checks.filter((check) => !check.ok).map((check) => check.name);

/** All that runs without `--only`, but an encoder's file. */
// biome-ignore format: a list
const FAMILIES = [
  'device', 'decoder', 'losses', 'training', 'updates', 'moves', 'softmax', 'vit', 'kernels', 'half', 'script', 'cache',
  'threads', 'prediction', 'memory', 'other-gpu', 'timings',
];

describe('the C++ core agrees with the reference', () => {
  let status: number;
  let checks: Check[];

  beforeAll(async () => {
    ({ status, checks } = await checksOf('--only', FAMILIES.join(',')));
  }, 900_000);

  it.each([
    ['synthetic', 'random weights and embeddings are those of Python, bit for bit', 2],
    ['prompts', 'sparse and dense prompt embeddings, to 1e-4', 10],
    ['decoder', 'IoU predictions to 1e-4, logits to 1e-3, equal masks', 50],
    ['chunks', 'many prompts in chunks give the masks of all at once', 10],
    ['losses', 'dice, bce, focal, iou and their sum, for every way of choosing a mask', 30],
    ['gradients', 'of every parameter; zero and absent ones too', 10],
    [
      'training',
      '20 AdamW steps (of the article too): losses to 1e-3, changes to cosine 0.999; resuming changes nothing',
      16,
    ],
    ['precision', 'bf16 gives the same masks', 1],
    ['softmax', "our kernel and LibTorch's operators, on grids of any width", 21],
    ['device', "NVIDIA's libraries are found as wheels lay them out", 3],
    ['updates', 'bf16 lowers the loss; half batches add up to the whole; clipped gradients have the norm asked for', 5],
    ['moves', 'a checkpoint restored elsewhere is the same, and goes on the same', 2],
    ['kernels', "a CPU's encoder attends with the kernel of our own", 4],
    ['half', 'a ViT in bf16 makes the embedding of fp32, with activations in the hundreds too', 4],
    ['script', 'a TinyViT of drawn weights, built, and exported and opened', 4],
    ['cache', 'embeddings read while earlier ones are still on their way', 1],
    ['threads', 'one encodes while the other decodes', 2],
    ['prediction', 'the mask chosen, in full size', 6],
    ['memory', 'more than there is, is refused, and the next prompt answered', 2],
    ['vit', "a tiny ViT's embedding to 1e-4, in either naming; positions and window padding are in it", 7],
  ])('%s: %s', (family, _what, atLeast) => {
    const own = checks.filter((check) => check.name.startsWith(`${family}/`));
    expect(own.length).toBeGreaterThanOrEqual(atLeast);
    expect(own.filter((check) => !check.ok)).toEqual([]);
  });

  it('exits with 0', () => {
    expect(status).toBe(0);
  });
});

describe('a check that throws', () => {
  it('is a failed one that says why, and the others go on', async () => {
    const { status, stdout } = await coreTest('--json', '--only', 'encoder,prediction', '--encoder', '/nowhere.pt');
    const { ok, checks, facts } = JSON.parse(stdout) as {
      ok: boolean;
      checks: (Check & { error?: string })[];
      facts: { [name: string]: string };
    };
    expect(status).toBe(1);
    expect(ok).toBe(false);
    expect(checks[0]).toMatchObject({
      name: 'encoder/completed',
      ok: false,
      error: expect.stringContaining('/nowhere.pt'),
    });
    expect(failedOf(checks)).toEqual(['encoder/completed']);
    expect(checks.some((check) => check.name.startsWith('prediction/'))).toBe(true);
    expect(facts.libtorch).toMatch(/libtorch_cpu/);
  });
});

describe('the checks notice a part that is left out', () => {
  it("the image's positions", async () => {
    const { status, checks } = await checksOf('--only', 'decoder', '--break', 'positions');
    const failed = failedOf(checks);
    const logits = checks.map((check) => check.name).filter((name) => /^decoder\/.*\/logits$/.test(name));
    expect(status).toBe(1);
    expect(failed).toEqual(expect.arrayContaining(logits));
    expect(failed.filter((name) => name.startsWith('prompts/'))).toEqual([]);
  });

  it("missing points' mask, and only where points are missing", async () => {
    const { checks } = await checksOf('--only', 'decoder', '--break', 'missing');
    const cases = new Set(failedOf(checks).map((name) => name.split('/')[1]));
    expect([...cases].sort()).toEqual(['points-ragged', 'points-ragged-box']);
  });

  it('weight decay', async () => {
    const { checks } = await checksOf('--only', 'training', '--break', 'weight-decay');
    expect(failedOf(checks)).toContain('training/run-separate/change-direction');
  }, 300_000);
});

/** The tensors of a safetensors file; `F32` and `I32` alone. */
function readTensors(file: string): Map<string, { shape: number[]; values: Float32Array | Int32Array }> {
  const bytes = readFileSync(file);
  const start = 8 + Number(bytes.readBigUInt64LE(0));
  const header = JSON.parse(bytes.toString('utf8', 8, start)) as Record<
    string,
    { dtype: string; shape: number[]; data_offsets: [number, number] }
  >;
  const tensors = new Map<string, { shape: number[]; values: Float32Array | Int32Array }>();
  for (const [name, entry] of Object.entries(header)) {
    if (entry.dtype !== 'F32' && entry.dtype !== 'I32') continue;
    const own = new Uint8Array(bytes.subarray(start + entry.data_offsets[0], start + entry.data_offsets[1])).buffer;
    tensors.set(name, {
      shape: entry.shape,
      values: entry.dtype === 'F32' ? new Float32Array(own) : new Int32Array(own),
    });
  }
  return tensors;
}

describe('the addon agrees with the reference', () => {
  const folder = mkdtempSync(join(tmpdir(), 'sam-parity-'));
  const expected = readTensors(join(fixtures, 'parity.safetensors'));
  let model: SamModel;
  let embeddings: Embeddings;

  beforeAll(async () => {
    expect((await coreTest('--write-inputs', folder)).status).toBe(0);
    const values = readTensors(join(folder, 'embeddings.safetensors')).get('embeddings')?.values as Float32Array;
    embeddings = native().embeddingsFrom(values);
    const weights = join(folder, 'weights.safetensors');
    model = await native().loadModel({ weights, device: 'cpu', precision: 'fp32' });
  });

  afterAll(() => {
    model?.dispose();
    embeddings?.dispose();
    rmSync(folder, { recursive: true, force: true });
  });

  const tensor = (name: string) => expected.get(name);

  /** The case's prompts, for two images. */
  function promptsOf(name: string): PromptBatch {
    const points = tensor(`${name}/points`);
    const boxes = tensor(`${name}/boxes`);
    return {
      images: 2,
      promptsPerImage: (points ?? boxes)?.shape[1] ?? 1,
      pointsPerPrompt: points?.shape[2] ?? 0,
      ...(points && { points: points.values as Float32Array }),
      ...(points && { pointLabels: tensor(`${name}/labels`)?.values as Int32Array }),
      ...(boxes && { boxes: boxes.values as Float32Array }),
    };
  }

  it.each([
    ['points-box', 'multi'],
    ['points-ragged', 'multi'],
    ['points-single', 'single'],
    ['several-prompts', 'multi'],
    ['several-boxes', 'single'],
  ] as const)('decode: %s', async (name, maskOutput) => {
    const decoded = await model.decode({ embeddings, prompts: promptsOf(name), maskOutput });
    const ious = tensor(`${name}/ious`);
    const logits = tensor(`${name}/logits`);
    if (!ious || !logits) throw new Error(`the fixtures have no ${name}`);
    expect(decoded.outputs).toBe(ious.shape[2]);
    expect(decoded.iouPredictions).toHaveLength(ious.values.length);
    expect(worst(decoded.iouPredictions, ious.values)).toBeLessThan(1e-4);

    expect(decoded.lowResLogits).toHaveLength(ious.values.length * 256 * 256);
    expect(worst(everyEighth(decoded.lowResLogits), logits.values)).toBeLessThan(1e-3);
  });
});

/** Rows and columns 3, 11, 19, … of each 256 x 256 mask, as the fixtures keep them. */
function everyEighth(masks: Float32Array): Float32Array {
  const side = 32;
  return Float32Array.from({ length: masks.length / 64 }, (_, i) => {
    const [mask, row, column] = [Math.floor(i / side ** 2), Math.floor(i / side) % side, i % side];
    return masks[mask * 65536 + (3 + 8 * row) * 256 + 3 + 8 * column] ?? Number.NaN;
  });
}

function worst(ours: Float32Array, reference: Float32Array | Int32Array): number {
  return ours.reduce((most, value, i) => Math.max(most, Math.abs(value - (reference[i] ?? Number.NaN))), 0);
}
