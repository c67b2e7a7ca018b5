/** The GPU as a machine part: found, named, its memory given back, and left in good order at the end of a process. */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { findAddon, native } from '../../lib/addon/native.js';
import { resolveDevice } from '../../lib/device.js';
import type { DoctorReport } from '../../lib/setup/doctor.js';
import { compile, runCli } from '../cli/run-cli.js';
import { writeSplits } from '../training/fake.js';
import { DEVICE, encode, loadEncoder, loadModel, predictMask } from './support.js';

const gpu = DEVICE !== 'cpu';
let folder: string;

beforeAll(async () => {
  compile();
  folder = mkdtempSync(join(tmpdir(), 'sam-cuda-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

it('doctor and auto find the device', async () => {
  const { stdout, code } = await runCli(['doctor', '--json']);
  expect(code).toBe(0);
  const { devices } = JSON.parse(stdout) as DoctorReport;
  const found = devices.find(({ type }) => type === (gpu ? 'cuda' : 'cpu'))!;
  expect(found).toMatchObject({ usable: true, reason: null });
  expect(found.memoryBytes).toBeGreaterThan(1e9);
  const compute = resolveDevice('auto', 'auto');
  expect(compute.device).toBe(gpu ? 'cuda:0' : 'cpu');
  if (gpu) expect(compute.name).toBe(found.name);
});

it('a whole run trains there, and its process ends well', async () => {
  const data = join(folder, 'data');
  const { train, validation } = await writeSplits(join(folder, 'made'), 4, 2);
  for (const [split, samples] of Object.entries({ train, validation })) {
    for (const { name, image, mask } of samples) {
      execFileSync('install', ['-D', image.path, join(data, split, 'images', `${name}.png`)]);
      execFileSync('install', ['-D', (mask as { path: string }).path, join(data, split, 'masks', `${name}.png`)]);
    }
  }
  const out = join(folder, 'run');
  const options = ['--data', data, '--model', 'mobile-sam', '--epochs', '2', '--no-cache', '--on-empty', 'skip'];
  const { code, stdout, stderr } = await runCli(['train', ...options, '--device', DEVICE, '--out', out, '--json']);
  expect(stderr).not.toContain('error');
  expect(code).toBe(0);
  expect(JSON.parse(stdout).trainLosses).toHaveLength(2);
  const { compute } = JSON.parse(readFileSync(join(out, 'config.json'), 'utf8'));
  expect(compute.device).toBe(gpu ? 'cuda:0' : 'cpu');
});

it('a GPU that is not there is refused, with how many are', async () => {
  const args = ['train', '--data', folder, '--model', 'mobile-sam', '--device', 'cuda:99', '--out', join(folder, 'no')];
  const { code, stderr } = await runCli(args);
  expect(code).toBe(2);
  expect(stderr).toMatch(/^error: --device cuda:99: .+\n$/);
  expect(existsSync(join(folder, 'no'))).toBe(false);
});

it('memory comes back when models are disposed of', async () => {
  const where = { device: DEVICE, precision: 'fp32' } as const;
  const round = async () => {
    const [encoder, model] = await Promise.all([loadEncoder(where), loadModel(where)]);
    const embeddings = await encode(encoder);
    await predictMask(model, embeddings);
    for (const handle of [encoder, model, embeddings]) handle.dispose();
  };
  const handles = native().info().liveHandles;
  for (let i = 0; i < 3; i++) await round();
  const before = usedMiB();
  for (let i = 0; i < 10; i++) await round();
  // Ten times the weights alone would be 400 MiB. LibTorch keeps freed blocks for the next round: used again, not more.
  expect(usedMiB() - before).toBeLessThan(100);
  expect(native().info().liveHandles).toBe(handles);
});

/** Of all GPUs together: inside a container the driver does not know this process by its id. */
function usedMiB(): number {
  if (!gpu) return process.memoryUsage().rss / 2 ** 20;
  const query = ['--query-gpu=memory.used', '--format=csv,noheader,nounits'];
  const lines = execFileSync('nvidia-smi', query, { encoding: 'utf8' }).trim().split('\n');
  return lines.reduce((sum, line) => sum + Number(line), 0);
}

/** Computes on the CPU first, and then wants the GPU. */
const TOO_LATE = `
  const [addon, weights] = process.argv.slice(1);
  const native = require(addon);
  (async () => {
    const where = { weights, device: 'cpu', precision: 'fp32' };
    const model = await native.loadModel(where);
    const loss = { dice: 1, bce: 1, iou: 1 };
    const trainer = native.createTrainer(model, { weightDecay: 0, loss, selection: { maskOutput: 'multi', multiMask: 'best' } });
    const embeddings = native.embeddingsFrom(new Float32Array(256 * 64 * 64).fill(0.1));
    const prompts = { images: 1, promptsPerImage: 1, pointsPerPrompt: 1, points: Float32Array.of(512, 512), pointLabels: Int32Array.of(1) };
    const batch = { embeddings, prompts, targets: new Uint8Array(256 * 256), maskSize: 256, validSizes: Int32Array.of(256, 256) };
    await trainer.step(batch, { learningRate: 1e-5, update: true, scale: 1 });
    await native.loadModel({ ...where, device: 'cuda' });
  })().catch(({ code, message }) => process.stdout.write(code + ' ' + message));
`;

it('a process that computed on the CPU first is told that it is too late for a GPU', async () => {
  const { resolveModel } = await import('../../lib/models/resolve.js');
  const { defaultCacheDir } = await import('../../lib/core/cache-dir.js');
  const { weights } = await resolveModel('mobile-sam', { cacheDir: defaultCacheDir() });
  const { stdout, status } = spawnSync(process.execPath, ['-e', TOO_LATE, findAddon(), weights], { encoding: 'utf8' });
  expect(status).toBe(0);
  expect(stdout).toMatch(gpu ? /^SAM_NO_CUDA too late for a GPU: / : /^SAM_NO_CUDA no GPU can be used: /);
});
