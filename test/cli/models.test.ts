/**
 * Models of all kinds as a user gives them, on the command line: a folder of transformers, a .pth of Meta's names, a name on the
 * Hub, another model's encoder; the article's preset; and back to transformers. The model is SAM's prompt encoder and mask
 * decoder with a tiny ViT, all random (no one can train with it, but every way that a real one goes, it goes).
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { TrainResult } from '../../lib/runs/events.js';
import type { EvaluateResult } from '../../lib/tasks/evaluate/evaluate.js';
import type { ExportResult } from '../../lib/tasks/export/export.js';
import { HubServer } from '../hub-server.js';
import { readTensors, writePth } from '../native/pth.js';
import { compile, type Outcome, runCli } from './run-cli.js';

const root = join(import.meta.dirname, '../..');

let dir: string;
let saved: string;
let whole: TrainResult;

const recipe = (model: string, ...more: string[]) => [
  ...['train', '--json', '--data', 'sample:rivers', '--limit', '2', '--epochs', '1', '--batch-size', '2'],
  ...['--precision', 'fp32', '--lr', '1e-3', '--cache-dir', join(dir, 'cache'), '--model', model, ...more],
];
const out = (name: string) => join(dir, name);
async function trained(name: string, model: string, ...more: string[]): Promise<TrainResult> {
  const outcome = await runCli(recipe(model, '--out', out(name), ...more));
  expect(outcome).toMatchObject({ code: 0 });
  return outcome.json<TrainResult>();
}
const failure = ({ code, stderr, stdout }: Outcome) => ({ code, said: stderr.trimEnd().split('\n').at(-1), stdout });

beforeAll(async () => {
  compile();
  dir = await mkdtemp(join(tmpdir(), 'sam-native-models-'));
  const program = join(root, 'build/Release/sam_core_test');
  execFileSync(program, ['--fixtures', join(root, 'test/fixtures'), '--write-inputs', dir], { stdio: 'ignore' });
  saved = join(dir, 'saved');
  await mkdir(saved);
  await rename(join(dir, 'model.safetensors'), join(saved, 'model.safetensors'));
  await writeFile(
    join(saved, 'config.json'),
    JSON.stringify({ model_type: 'sam', vision_config: { hidden_size: 32, num_hidden_layers: 3 } }),
  );
  whole = await trained('whole', saved);
}, 300_000);
afterAll(() => rm(dir, { recursive: true, force: true }));

describe('a folder of transformers', () => {
  test('trains; its weights are stored nowhere else', async () => {
    expect(whole).toMatchObject({ model: 'saved', encodedImages: 4, trainedSamples: 2 });
    expect(existsSync(join(dir, 'cache', 'models'))).toBe(false);
  });

  test('goes back to transformers: the decoder tuned, everything else bit for bit, its config kept', async () => {
    const outcome = await runCli(['export', out('whole'), '--to', 'hf', '--out', out('exported'), '--json']);
    expect(outcome).toMatchObject({ code: 0 });
    const { files } = outcome.json<ExportResult>();
    expect(files).toEqual(
      ['model.safetensors', 'config.json', 'preprocessor_config.json'].map((file) => join(out('exported'), file)),
    );
    expect(await readFile(files[1]!, 'utf8')).toBe(await readFile(join(saved, 'config.json'), 'utf8'));
    const [before, after] = [readTensors(join(saved, 'model.safetensors')), readTensors(files[0]!)];
    const hash = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');
    const changed = Object.keys(before).filter((name) => hash(before[name]!.bytes) !== hash(after[name]!.bytes));
    expect(changed.length).toBeGreaterThan(100);
    expect(changed.filter((name) => !name.startsWith('mask_decoder.'))).toEqual([]);
  });

  test('is found again by the run that was tuned from it', async () => {
    const outcome = await runCli([
      ...['evaluate', '--models', `untuned,${out('whole')}`, '--data', 'sample:rivers', '--limit', '2', '--json'],
      ...['--cache-dir', join(dir, 'cache'), '--precision', 'fp32', '--out', out('scores')],
    ]);
    expect(outcome).toMatchObject({ code: 0 });
    expect(outcome.json<EvaluateResult>().models).toHaveLength(2);
  });
});

describe('the same weights in another form', () => {
  test("a .pth under Meta's names, whose norms have another epsilon, gives nearly the same losses", async () => {
    const path = join(dir, 'tuned_elsewhere.pth');
    const meta = readTensors(join(dir, 'model-meta.safetensors'));
    writePth(path, {
      model: Object.fromEntries(Object.entries(meta).map(([name, value]) => [`module.${name}`, value])),
    });
    const result = await trained('meta', path);
    expect(result.model).toBe('tuned_elsewhere');
    expect(result.trainLosses[0]).toBeCloseTo(whole.trainLosses[0]!, 1);
  });

  test("the mask decoder alone, with another model's encoder", async () => {
    const path = join(dir, 'decoder.pth');
    const all = Object.entries(readTensors(join(saved, 'model.safetensors')));
    writePth(path, Object.fromEntries(all.filter(([name]) => name.startsWith('mask_decoder.'))));
    const result = await trained('decoder', path, '--encoder', saved);
    expect(result).toMatchObject({ encodedImages: 0, trainLosses: whole.trainLosses });
    const alone = failure(await runCli(recipe(path, '--out', out('alone'))));
    expect(alone).toMatchObject({ code: 2, said: expect.stringContaining('--encoder') });
    expect(existsSync(out('alone'))).toBe(false);
  });

  test('an encoder by its name', async () => {
    const result = await trained('by-name', join(saved, 'model.safetensors'), '--encoder', 'mobile-sam');
    expect(result).toMatchObject({ model: 'saved', encodedImages: 4 });
  });

  test('a name on the Hub', async () => {
    const hub = await HubServer.start();
    try {
      const commit = 'c'.repeat(40);
      const files = {
        'config.json': { bytes: readFileSync(join(saved, 'config.json')), lfs: false },
        'model.safetensors': { bytes: readFileSync(join(saved, 'model.safetensors')), lfs: true },
      };
      hub.repositories['someone/rivers'] = { commits: { [commit]: files }, refs: { main: commit } };
      const env = { HF_ENDPOINT: hub.url, HF_HOME: join(dir, 'hf') };
      const outcome = await runCli(recipe('someone/rivers', '--out', out('hub')), { env });
      expect(outcome).toMatchObject({ code: 0 });
      expect(outcome.json<TrainResult>()).toMatchObject({ model: 'rivers', trainLosses: whole.trainLosses });
      expect((await stat(join(dir, 'hf', 'hub', 'models--someone--rivers', 'refs', 'main'))).isFile()).toBe(true);
      // The run finds it again without the Hub.
      const offline = { ...env, HF_HUB_OFFLINE: '1', HF_ENDPOINT: 'http://127.0.0.1:1' };
      const resumed = await runCli(['train', '--resume', out('hub'), '--epochs', '2', '--json'], { env: offline });
      expect(resumed).toMatchObject({ code: 0 });
      const unknown = failure(await runCli(recipe('someone/nothing', '--out', out('nothing')), { env }));
      expect(unknown).toMatchObject({ code: 2, said: expect.stringMatching(/someone\/nothing.*HF_TOKEN/) });
      const token = failure(
        await runCli(recipe('someone/rivers', '--out', out('nothing')), { env: { ...env, HF_TOKEN: 'hf_wrong' } }),
      );
      expect(token).toMatchObject({ code: 2, said: expect.stringContaining('HF_TOKEN') });
    } finally {
      await hub.stop();
    }
    const gone = failure(
      await runCli(recipe('someone/else', '--out', out('nothing')), {
        env: { HF_ENDPOINT: 'http://127.0.0.1:1', HF_HOME: join(dir, 'hf') },
      }),
    );
    expect(gone).toMatchObject({ code: 1, said: expect.stringContaining('http://127.0.0.1:1') });
    expect(existsSync(out('nothing'))).toBe(false);
  });
});

describe("--preset article, the article's code as it ran", () => {
  test('is values of ordinary options, and what the user says goes before them', async () => {
    const file = join(dir, 'options.yaml');
    await writeFile(file, 'weightDecay: 0.01\n');
    const result = await trained('article', saved, '--preset', 'article', '--config', file);
    // Softmax over rows has a floor of n ln n for n pixels in a column (peers: published losses of 211 to 255).
    expect(result.trainLosses[0]).toBeGreaterThan(50);
    const { options } = JSON.parse(await readFile(join(out('article'), 'config.json'), 'utf8'));
    expect(options).toMatchObject({
      preset: 'article',
      ...{ imageSize: 256, pointSets: 'separate', multiMask: 'mean', maskOutput: 'single', missingPoints: 'token' },
      ...{ loss: 'row-dice-ce', warmupSteps: 10, schedule: 'constant' },
      ...{ batchSize: 2, lr: 1e-3, epochs: 1, weightDecay: 0.01 },
    });
  });

  test('takes boxes', async () => {
    const result = await trained('article-box', saved, '--preset', 'article', '--prompt', 'box');
    expect(result.trainLosses[0]).toBeGreaterThan(50);
  });
});

test('an export that cannot be says why, and leaves nothing', async () => {
  const outcome = await runCli(['export', 'mobile-sam', '--to', 'hf', '--out', out('mobile')]);
  expect(failure(outcome)).toMatchObject({ code: 2, said: expect.stringContaining('TinyViT') });
  expect(existsSync(out('mobile'))).toBe(false);
});
