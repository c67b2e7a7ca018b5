/**
 * `push`, from the command line to a local server that speaks the Hub's protocol and back: a ViT for transformers, and MobileSAM for this
 * package. What comes back is the run's model, with its settings.
 */
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { readSafetensorsHeader } from '../../lib/runs/safetensors-header.js';
import type { EvaluateResult } from '../../lib/tasks/evaluate/evaluate.js';
import type { PushResult } from '../../lib/tasks/push/push.js';
import { HubServer } from '../hub-server.js';
import { compile, type Outcome, runCli } from './run-cli.js';

const root = join(import.meta.dirname, '../..');

let dir: string;
let hub: HubServer;
let env: Record<string, string>;
const run = (name: string) => join(dir, name);
const cache = () => ['--cache-dir', join(dir, 'cache')];

const call = (...args: string[]): Promise<Outcome> => runCli([...args, ...cache()], { cwd: dir, env });
async function json<T>(...args: string[]): Promise<T> {
  const outcome = await call(...args, '--json');
  expect(outcome.code, outcome.stderr).toBe(0);
  return outcome.json<T>();
}
const said = ({ code, stderr }: Outcome) => ({ code, said: stderr.trimEnd().split('\n').at(-1) });

async function train(name: string, model: string, ...more: string[]): Promise<void> {
  const recipe = ['--data', 'sample:rivers', '--limit', '3', '--epochs', '1', '--batch-size', '2', '--lr', '1e-3'];
  await json('train', '--model', model, ...recipe, '--precision', 'fp32', '--out', run(name), ...more);
}

beforeAll(async () => {
  compile();
  dir = await mkdtemp(join(tmpdir(), 'sam-native-push-'));
  hub = await HubServer.start();
  hub.tokens.push('mine');
  env = {
    HF_ENDPOINT: hub.url,
    HF_HOME: join(dir, 'home'),
    HF_TOKEN: 'mine',
    HF_HUB_OFFLINE: '',
    TRANSFORMERS_OFFLINE: '',
  };
  const program = join(root, 'build/Release/sam_core_test');
  execFileSync(program, ['--fixtures', join(root, 'test/fixtures'), '--write-inputs', dir], { stdio: 'ignore' });
  const saved = join(dir, 'small-sam');
  await mkdir(saved);
  await rename(join(dir, 'model.safetensors'), join(saved, 'model.safetensors'));
  const vision = { hidden_size: 32, num_hidden_layers: 3 };
  await writeFile(join(saved, 'config.json'), JSON.stringify({ model_type: 'sam', vision_config: vision }));
  await train('vit', saved);
  await train('mobile', 'mobile-sam', '--prompt', 'box');
}, 600_000);
afterAll(async () => {
  await hub.stop();
  await rm(dir, { recursive: true, force: true });
});

/** What the card says above its text, and the text. */
async function cardIn(folder: string) {
  const text = await readFile(join(folder, 'README.md'), 'utf8');
  const [, front, body] = /^---\n(.*?)---\n(.*)$/s.exec(text)!;
  return { front: parse(front!) as Record<string, unknown>, body: body! };
}

const scores = async (...models: string[]) =>
  (
    await json<EvaluateResult>(
      'evaluate',
      '--models',
      models.join(),
      '--data',
      'sample:rivers',
      '--limit',
      '3',
      '--precision',
      'fp32',
      '--out',
      join(dir, 'scores'),
    )
  ).models;

describe('a ViT', () => {
  test('becomes a folder for transformers, which --dry-run leaves to be looked at', async () => {
    const result = await json<PushResult>('push', run('vit'), 'me/rivers', '--dry-run', '--license', 'mit');
    const folder = join(dir, 'vit-hub');
    expect(result).toEqual({
      repository: 'me/rivers',
      url: `${hub.url}/me/rivers`,
      branch: 'main',
      commit: null,
      private: null,
      files: ['README.md', 'config.json', 'model.safetensors', 'preprocessor_config.json'],
      changed: null,
      folder,
    });
    expect((await readdir(folder)).sort()).toEqual(result.files);
    expect(hub.requests).toEqual([]);
    const { front, body } = await cardIn(folder);
    expect(front).toEqual({
      license: 'mit',
      library_name: 'transformers',
      pipeline_tag: 'mask-generation',
      tags: expect.arrayContaining(['segment-anything', 'sam-native']),
    });
    expect(body).toContain("SamModel.from_pretrained('me/rivers')");
    expect(body).toContain('3 samples for training, 3 for validation');
    // Scores with intervals, of both models, as the run's report has them.
    const { models } = JSON.parse(await readFile(join(run('vit'), 'scores.json'), 'utf8')) as EvaluateResult;
    for (const { name, own } of models) {
      const [low, high] = own.iou.meanInterval!;
      expect(body).toContain(`| ${name} | ${own.iou.mean!.toFixed(3)} [${low.toFixed(3)}, ${high.toFixed(3)}] |`);
    }
  });

  test('comes back by its name: the same scores, and nothing is sent twice', async () => {
    const first = await json<PushResult>('push', run('vit'), 'me/rivers');
    expect(first).toMatchObject({ private: true, folder: null, changed: first.files });
    expect(hub.repositories['me/rivers']!.token).toBe('mine');
    const again = await json<PushResult>('push', run('vit'), 'me/rivers');
    expect(again).toMatchObject({ commit: first.commit, changed: [] });
    expect(hub.writes.commits).toHaveLength(1);
    const [ours] = await scores(run('vit'));
    const [theirs] = await scores('me/rivers');
    expect(theirs!.own.iou).toEqual(ours!.own.iou);
    expect(theirs!.checkpointHash).toBeNull();
  }, 120_000);

  test('to a branch, with words of its own', async () => {
    const result = await call('push', run('vit'), 'me/rivers@second', '--message', 'Once more');
    expect(result).toMatchObject({ code: 0 });
    // The card names the branch; all else is there.
    expect(result.stdout).toBe(`${hub.url}/me/rivers (private, branch second): README.md\n`);
    expect(hub.writes.commits.at(-1)).toMatchObject({ summary: 'Once more', paths: ['README.md'] });
  });
});

describe('MobileSAM', () => {
  test('comes back by its name: the same scores, its settings, and what it was untuned', async () => {
    const result = await json<PushResult>('push', run('mobile'), 'me/mobile');
    expect(result.files).toEqual([
      'README.md',
      'checkpoint.safetensors',
      'config.json',
      'mobile_sam.safetensors',
      'mobile_sam_tuned.pth',
    ]);
    const [before, ours, theirs] = await scores('untuned', run('mobile'), 'me/mobile');
    expect(theirs!.promptKind).toBe('box');
    expect(theirs!.own.iou).toEqual(ours!.own.iou);
    expect(before!.own.iou).not.toEqual(ours!.own.iou);
    const [untuned, alone] = await scores('untuned', 'me/mobile');
    expect(untuned!.own.iou).toEqual(before!.own.iou);
    expect(alone).toMatchObject({ promptKind: 'box', name: 'mobile', weightsHash: ours!.weightsHash });
  }, 240_000);

  test('says nothing of this machine', async () => {
    const folder = join(dir, 'looked-at');
    await json<PushResult>('push', run('mobile'), 'me/mobile', '--dry-run', '--out', folder);
    const { tensors, metadata } = await readSafetensorsHeader(join(folder, 'checkpoint.safetensors'));
    expect(Object.keys(tensors).every((name) => name.startsWith('mask_decoder.'))).toBe(true);
    const { front, body } = await cardIn(folder);
    expect(front).toMatchObject({ license: 'apache-2.0', library_name: 'sam-native' });
    expect(body).toContain('MobileSAM tuned on sample:rivers');
    const texts = await Promise.all(['README.md', 'config.json'].map((name) => readFile(join(folder, name), 'utf8')));
    expect([...texts, JSON.stringify(metadata)].filter((text) => text.includes(dir))).toEqual([]);
    // A folder that was looked at is a model like any other.
    const [ours] = await scores(run('mobile'));
    expect((await scores(folder))[0]!.own.iou).toEqual(ours!.own.iou);
  }, 120_000);

  test('without its checkpoint it is refused by name', async () => {
    const files = hub.repositories['me/mobile']!;
    const { 'checkpoint.safetensors': _, ...rest } = files.commits[files.refs.main!]!;
    hub.repositories['me/torn'] = { commits: { ['c'.repeat(40)]: rest }, refs: { main: 'c'.repeat(40) } };
    expect(said(await call('export', 'me/torn', '--out', 'never.pt'))).toEqual({
      code: 2,
      said: expect.stringContaining('config.json names checkpoint.safetensors, which the repository does not have'),
    });
  });
});

describe('is refused', () => {
  test('without a token: how to log in, before anything is made', async () => {
    const { code, said: line } = said(
      await runCli(['push', run('vit'), 'me/other', ...cache()], { cwd: dir, env: { ...env, HF_TOKEN: '' } }),
    );
    expect(code).toBe(2);
    expect(line).toMatch(/^error: writing to me\/other on .* needs a token, and there is none — log in: hf auth login/);
    expect(hub.repositories['me/other']).toBeUndefined();
  });

  test.each([
    [
      'a run that is none',
      () => ['mobile-sam', 'me/x'],
      /mobile-sam is not a run: it has no config.json — name the folder/,
    ],
    [
      'a model of transformers',
      () => [join(dir, 'small-sam'), 'me/x'],
      /small-sam is not a run: it has no checkpoints/,
    ],
    [
      'a name without owner',
      () => [run('vit'), 'rivers'],
      /rivers is not a name on the Hugging Face Hub: it has no owner — write owner\/name/,
    ],
    ['a path for a name', () => [run('vit'), './a/b'], /is not a name on the Hugging Face Hub — write owner\/name/],
    [
      'a folder that is there',
      () => [run('vit'), 'me/x', '--out', dir],
      /is there already — name another folder with --out/,
    ],
    [
      'a licence that is none',
      () => [run('vit'), 'me/x', '--license', 'My own!'],
      /--license "My own!": expected a name of the Hub/,
    ],
  ])('%s', async (_, args, message) => {
    const before = hub.requests.length;
    const outcome = said(await call('push', ...args()));
    expect(outcome).toEqual({ code: 2, said: expect.stringMatching(message) });
    expect(hub.requests).toHaveLength(before);
  });

  test('an interrupted upload leaves nothing published, and nothing behind', async () => {
    hub.writes.store.clear();
    hub.writes.breaks.push(...Array.from({ length: 50 }, () => 10));
    const { code, said: line } = said(await call('push', run('vit'), 'me/broken'));
    expect(code).toBe(1);
    expect(line).toMatch(/^error: cannot upload to me\/broken on .* — check the network, then run it again/);
    expect(Object.keys(hub.repositories['me/broken']!.commits)).toHaveLength(1);
    expect(existsSync(join(dir, 'cache', 'tmp')) ? await readdir(join(dir, 'cache', 'tmp')) : []).toEqual([]);
    hub.writes.breaks.length = 0;
    expect(await json<PushResult>('push', run('vit'), 'me/broken')).toMatchObject({ private: true });
  }, 60_000);
});
