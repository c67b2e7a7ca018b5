/**
 * `export` as a user runs it, after a short training: places, parts, records; and, where Python has their packages (`PYTHON` names
 * another one), what segment_anything, MobileSAM's package, transformers and torch.jit make of the exports.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { native } from '../../lib/addon/native.js';
import { decodeImage } from '../../lib/data/decode.js';
import { openSplit } from '../../lib/data/open-data.js';
import { SamModel } from '../../lib/prediction/sam-model.js';
import type { ExportResult } from '../../lib/tasks/export/export.js';
import { compile, type Outcome, runCli } from './run-cli.js';

const python = process.env.PYTHON ?? 'python3';
const packages = 'import segment_anything, mobile_sam, transformers, torch, torchvision';
const hasPython = spawnSync(python, ['-c', packages]).status === 0;
const check = fileURLToPath(new URL('../../scripts/check_exports.py', import.meta.url));

let dir: string;
const at = (name: string) => join(dir, name);

beforeAll(async () => {
  compile();
  dir = await mkdtemp(join(tmpdir(), 'sam-native-exports-'));
  await trained('mobile', 'mobile-sam');
}, 600_000);
afterAll(() => rm(dir, { recursive: true, force: true }));

async function trained(name: string, model: string): Promise<void> {
  const data = ['--data', 'sample:rivers', '--limit', '2', '--epochs', '2', '--no-report', '--precision', 'fp32'];
  expect(await runCli(['train', '--model', model, '--out', at(name), ...data])).toMatchObject({ code: 0 });
}

const exported = (run: string, to: string, out: string, ...more: string[]): Promise<Outcome> =>
  runCli(['export', at(run), '--to', to, '--out', at(out), '--pictures', '1', '--json', ...more]);

/** What an export that must succeed gives. */
async function done(...call: Parameters<typeof exported>): Promise<ExportResult> {
  const outcome = await exported(...call);
  expect(outcome.stderr).not.toContain('error');
  expect(outcome.code).toBe(0);
  return outcome.json<ExportResult>();
}

describe('what is written', () => {
  test('a folder with a record of the files, the model, and how far they lie from it', async () => {
    const result = await done('mobile', 'torchscript', 'scripts', '--part', 'both');
    expect(result.files).toEqual([at('scripts/encoder.pt'), at('scripts/decoder.pt')]);
    expect((await readdir(at('scripts'))).sort()).toEqual(['decoder.pt', 'encoder.pt', 'export.json']);
    const record = JSON.parse(await readFile(result.record!, 'utf8'));
    expect(record).toMatchObject({
      format: 'torchscript',
      part: 'both',
      files: [{ name: 'encoder.pt' }, { name: 'decoder.pt' }],
      model: {
        spec: at('mobile'),
        weightsHash: result.weightsHash,
        checkpointHash: expect.stringMatching(/^[0-9a-f]{64}$/),
      },
      verified: result.verified,
    });
    expect(result.verified).toMatchObject({ pictures: 1, meanIou: expect.closeTo(1, 3), minIou: expect.closeTo(1, 3) });
    expect(result.verified!.maxLogitDifference).toBeLessThan(1e-3);
    expect(result.verified!.maxLogitDifference).toBeGreaterThan(0);
    expect(result.verification).toContain('1 validation picture of sample:rivers');
  }, 300_000);

  test('the decoder of a TinyViT alone goes into the names of transformers', async () => {
    const { files, verified } = await done('mobile', 'hf', 'decoder', '--decoder-only');
    expect(files).toEqual([at('decoder/decoder.safetensors')]);
    expect(await native().inspectWeights({ path: files[0]! })).toMatchObject({ names: 'hugging-face', encoder: null });
    // MobileSAM's norms have Meta's epsilon, and so has the decoder that is laid over it: without it logits are 0.03 off.
    expect(verified).toEqual({ pictures: 1, meanIou: 1, minIou: 1, maxLogitDifference: 0, scoreDifference: 0 });
  }, 300_000);

  test('with the encoder of another program only the decoder has weights', async () => {
    const script = at('scripts/encoder.pt');
    const refused = await exported('mobile', 'meta', 'other', '--encoder', script);
    expect(refused).toMatchObject({ code: 2 });
    expect(refused.stderr).toMatch(/is TorchScript .*--part decoder/);
    const { files } = await done(
      'mobile',
      'meta',
      'other.pth',
      '--encoder',
      script,
      '--part',
      'decoder',
      '--pictures',
      '0',
    );
    expect(await native().inspectWeights({ path: files[0]! })).toMatchObject({ names: 'meta', encoder: null });
  }, 300_000);

  test('a place that is taken, a part that a format lacks, and a place that cannot be: refused, and nothing is left', async () => {
    await mkdir(at('taken'));
    await writeFile(at('taken/mine.txt'), 'mine');
    const taken = await exported('mobile', 'meta', 'taken');
    expect(taken).toMatchObject({ code: 2 });
    expect(taken.stderr).toMatch(/taken is there already.*--overwrite/s);
    expect(await readdir(at('taken'))).toEqual(['mine.txt']);
    const part = await exported('mobile', 'meta', 'part', '--part', 'encoder');
    expect(part).toMatchObject({ code: 2, stderr: expect.stringContaining('no --part encoder') });
    const contradiction = await exported('mobile', 'torchscript', 'part', '--part', 'encoder', '--decoder-only');
    expect(contradiction).toMatchObject({ code: 2 });
    const whole = await exported('mobile', 'hf', 'part');
    expect(whole).toMatchObject({ code: 2, stderr: expect.stringMatching(/TinyViT.*--to meta/s) });
    expect((await exported('mobile', 'meta', 'taken/mine.txt/below')).code).toBe(2);
    expect(existsSync(at('part'))).toBe(false);
    expect((await readdir(dir)).filter((name) => /-\d+-[0-9a-f]{8}$/.test(name))).toEqual([]);
    await done('mobile', 'meta', 'taken', '--overwrite', '--pictures', '0');
    expect((await readdir(at('taken'))).sort()).toEqual(['export.json', 'mine.txt', 'mobile.pth']);
  }, 300_000);

  test('one line says how far a file lies from its model, without --json', async () => {
    const outcome = await runCli([
      'export',
      at('mobile'),
      '--part',
      'decoder',
      '--out',
      at('lone.pt'),
      '--pictures',
      '1',
    ]);
    expect(outcome).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/lone\.pt\nverified: on 1 .* mean IoU 1\.0000/),
    });
  }, 300_000);
});

/** Writes pictures, prompts and this package's answers for check_exports.py. */
async function writeReference(folder: string, spec: string): Promise<void> {
  await mkdir(folder);
  const samples = await openSplit({ data: 'sample:rivers', split: 'validation', limit: 3 });
  using model = await SamModel.load(spec, { device: 'cpu', precision: 'fp32' });
  const entries = [];
  for (const [index, sample] of samples.entries()) {
    const whole = await decodeImage(sample);
    // Pictures that are not square, each in its own way.
    const image = cropped(whole, whole.width - 80 * index, whole.height - 50);
    const { width, height } = image;
    using embedding = await model.embed(image);
    const points = [
      [width / 2, height / 2],
      [width / 4, height / 3],
    ] as const;
    const labels = [1, index % 2] as (0 | 1)[];
    const decoded = await model.decode(embedding, [{ points, labels, box: null }]);
    const { mask } = await model.predict(embedding, { points, labels });
    const names = { picture: `${index}.rgb`, logits: `${index}.logits`, mask: `${index}.mask` };
    await writeFile(join(folder, names.picture), image.pixels);
    await writeFile(join(folder, names.logits), new Uint8Array(decoded.lowResLogits.buffer));
    await writeFile(join(folder, names.mask), mask);
    entries.push({ ...names, width, height, points, labels, scores: [...decoded.iouPredictions] });
  }
  await writeFile(join(folder, 'reference.json'), JSON.stringify(entries));
}

function cropped({ pixels, width: whole }: { pixels: Uint8Array; width: number }, width: number, height: number) {
  const rows = Array.from({ length: height }, (_, y) => pixels.subarray(y * whole * 3, (y * whole + width) * 3));
  return { pixels: new Uint8Array(Buffer.concat(rows)), width, height };
}

describe.runIf(hasPython)('what others make of it', () => {
  function compared(kind: string, path: string, reference: string) {
    const found = JSON.parse(execFileSync(python, [check, kind, path, at(reference)], { encoding: 'utf8' }));
    process.stderr.write(`${kind}: ${JSON.stringify(found)}\n`);
    expect(found).toMatchObject({ pictures: 3 });
    expect(found.minIou).toBeGreaterThanOrEqual(0.999);
    expect(found.maxLogitDifference).toBeLessThanOrEqual(1e-3);
  }

  beforeAll(async () => {
    await native().randomWeights({ encoder: 'ViT-B', seed: 7, output: at('vit.safetensors') });
    await trained('vit', at('vit.safetensors'));
    await writeReference(at('reference-mobile'), at('mobile'));
    await writeReference(at('reference-vit'), at('vit'));
  }, 900_000);

  test("MobileSAM's own package", async () => {
    const { files } = await done('mobile', 'meta', 'mobile-meta');
    compared('vit_t', files[0]!, 'reference-mobile');
  }, 300_000);

  test('torch.jit.load: both halves', async () => {
    await done('mobile', 'torchscript', 'mobile-scripts', '--part', 'both');
    compared('torchscript', at('mobile-scripts'), 'reference-mobile');
  }, 300_000);

  test("Meta's segment_anything, from weights under Hugging Face's names", async () => {
    const { files } = await done('vit', 'meta', 'vit.pth');
    compared('vit_b', files[0]!, 'reference-vit');
  }, 600_000);

  test('transformers', async () => {
    await done('vit', 'hf', 'vit-hf');
    compared('hf', at('vit-hf'), 'reference-vit');
  }, 600_000);
});
