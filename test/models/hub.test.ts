import { readdir, readFile, readlink } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { encoderOfHubName, isHubName } from '../../lib/models/hub.js';
import { weightsIn } from '../../lib/models/hub-files.js';
import { gitHashOf, hashOf } from '../hub-server.js';
import {
  A,
  B,
  big,
  blobs,
  bytes,
  config,
  env,
  failure,
  fetchModel,
  hub,
  NAME,
  offline,
  plain,
  publish,
  repository,
  steps,
  weights,
} from './hub-support.js';

describe('names', () => {
  it.each(['facebook/sam-vit-base', 'a/b', 'me_2/my.model-3', 'a/b@v1.0', 'a/b@refs/pr/1', `a/b@${A}`])(
    '%s is one',
    (spec) => expect(isHubName(spec)).toBe(true),
  );

  it.each([
    'mobile-sam',
    'a/b/c',
    './a/b',
    '/a/b',
    'a/../b',
    '-a/b',
    'a/b-',
    'a/b--c',
    'a/b..c',
    'a/b.git',
    'a b/c',
    'a/b@',
    'a/b@../../x',
    'a/b@x/.y',
    `a/${'b'.repeat(97)}`,
    'weights/sam.safetensors',
    'weights/sam_vit_b.pth',
    '',
  ])('%s is none', (spec) => expect(isHubName(spec)).toBe(false));

  it("says the size of Meta's own", () => {
    expect(['base', 'large', 'huge'].map((size) => encoderOfHubName(`facebook/sam-vit-${size}`)?.size)).toEqual([
      'base',
      'large',
      'huge',
    ]);
    expect(encoderOfHubName('facebook/sam-vit-base@main')?.size).toBe('base');
    expect(encoderOfHubName('someone/sam-vit-base')).toBeUndefined();
  });

  it('what is none is refused', async () => {
    expect(await failure(fetchModel('nothing'))).toMatchObject({ code: 'SAM_BAD_OPTION' });
  });
});

describe('fetching', () => {
  it("makes what Python's library makes", async () => {
    publish({ 'config.json': config, 'model.safetensors': big(weights) });
    const snapshot = await fetchModel();
    expect(snapshot).toBe(join(repository(), 'snapshots', A));
    expect((await readdir(repository())).sort()).toEqual(['blobs', 'refs', 'snapshots']);
    expect(await readFile(join(repository(), 'refs', 'main'), 'utf8')).toBe(A);
    expect((await blobs()).sort()).toEqual([gitHashOf(config.bytes), hashOf(weights)].sort());
    expect(await readlink(join(snapshot, 'config.json'))).toBe(join('..', '..', 'blobs', gitHashOf(config.bytes)));
    expect(await readlink(join(snapshot, 'model.safetensors'))).toBe(join('..', '..', 'blobs', hashOf(weights)));
    expect(await readFile(join(snapshot, 'model.safetensors'))).toEqual(weights);
    expect(await weightsIn(snapshot)).toEqual([join(snapshot, 'model.safetensors')]);
    // Each in one go, and nothing else was asked.
    expect(hub.paths()).toEqual([
      `/api/models/${NAME}/revision/main`,
      `/api/models/${NAME}/tree/${A}`,
      `/${NAME}/resolve/${A}/config.json`,
      `/${NAME}/resolve/${A}/model.safetensors`,
    ]);
    expect(hub.paths('files')).toEqual([`/${hashOf(weights)}`]);
  });

  it('takes what a SAM needs of all the formats, across pages of the listing', async () => {
    hub.pageSize = 2;
    publish({
      'README.md': plain('about'),
      'flax_model.msgpack': big(bytes(3)),
      'pytorch_model.bin': big(bytes(5)),
      'tf_model.h5': big(bytes(7)),
      'model.safetensors': big(weights),
      'preprocessor_config.json': plain({ size: 1024 }),
      'config.json': config,
    });
    const snapshot = await fetchModel();
    expect((await readdir(snapshot)).sort()).toEqual(['config.json', 'model.safetensors', 'preprocessor_config.json']);
    expect(hub.paths().filter((path) => path.includes('/tree/'))).toHaveLength(4);
    expect(hub.paths('files')).toEqual([`/${hashOf(weights)}`]);
  });

  it.each(['model.safetensors', 'pytorch_model.bin'])('takes the shards that the index of %s names', async (stem) => {
    const [first, second] = [stem.replace('.', '-00001-of-00002.'), stem.replace('.', '-00002-of-00002.')];
    const [one, two] = [bytes(3, 5000), bytes(5, 7000)];
    publish({
      'config.json': config,
      [`${stem}.index.json`]: plain({ weight_map: { x: second, y: first, z: second } }),
      [first]: big(one),
      [second]: big(two),
    });
    const seen: [number, number | undefined][] = [];
    const snapshot = await fetchModel(NAME, { onProgress: ({ done, total }) => seen.push([done, total]) });
    expect(await weightsIn(snapshot)).toEqual([join(snapshot, first), join(snapshot, second)]);
    expect(seen.every(([, total]) => total === 12_000)).toBe(true);
    expect(seen.at(-1)![0]).toBe(12_000);
    expect(steps.join()).toMatch(/downloading facebook\/sam-vit-base from http.*\(1 MB\)/);
  });

  it('takes pytorch_model.bin where nothing better is', async () => {
    publish({ 'config.json': config, 'pytorch_model.bin.index.json': plain({}), 'pytorch_model.bin': big(weights) });
    const snapshot = await fetchModel();
    expect(await weightsIn(snapshot)).toEqual([join(snapshot, 'pytorch_model.bin')]);
  });

  it('takes a revision, and remembers it by its name', async () => {
    const { commits, refs } = publish({ 'config.json': config, 'model.safetensors': big(weights) });
    commits[B] = { 'config.json': config, 'model.safetensors': big(bytes(7)) };
    refs['refs/pr/1'] = B;
    expect(basename(await fetchModel(`${NAME}@refs/pr/1`))).toBe(B);
    expect(await readFile(join(repository(), 'refs', 'refs', 'pr', '1'), 'utf8')).toBe(B);
    expect(basename(await fetchModel(`${NAME}@refs/pr/1`, offline()))).toBe(B);
  });

  it('asks nothing about a commit that is there', async () => {
    publish({ 'config.json': config, 'model.safetensors': big(weights) });
    await fetchModel(`${NAME}@${A}`);
    hub.requests.length = 0;
    expect(basename(await fetchModel(`${NAME}@${A}`))).toBe(A);
    expect(hub.requests).toEqual([]);
    expect(await readdir(repository())).not.toContain('refs');
  });

  it('prints nothing', async () => {
    const prints = (['log', 'info', 'debug', 'warn', 'error'] as const).map((name) => vi.spyOn(console, name));
    publish({ 'config.json': config, 'model.safetensors': big(weights) });
    await fetchModel();
    for (const print of prints) expect(print).not.toHaveBeenCalled();
    vi.restoreAllMocks();
  });
});

describe('refusals', () => {
  it('no such repository, or a private one', async () => {
    publish({ 'config.json': config, 'model.safetensors': big(weights) }).token = 'owner';
    hub.tokens.push('owner', 'other');
    for (const spec of [NAME, 'facebook/nothing']) {
      const error = await failure(fetchModel(spec));
      expect(error).toMatchObject({ code: 'SAM_NOT_FOUND', exitCode: 2, fix: expect.stringContaining('HF_TOKEN') });
      expect(error.message).toBe(`${spec}: no such repository on ${hub.url}, or it is private: set HF_TOKEN`);
    }
    env.HF_TOKEN = 'other';
    expect((await failure(fetchModel())).message).toContain('or the token in HF_TOKEN may not see it');
    env.HF_TOKEN = 'owner';
    await fetchModel();
  });

  it.each([undefined, 'other'])('a gated repository, with token %s', async (token) => {
    Object.assign(publish({ 'config.json': config, 'model.safetensors': big(weights) }), {
      token: 'owner',
      gated: true,
    });
    hub.tokens.push('other');
    if (token !== undefined) env.HF_TOKEN = token;
    const error = await failure(fetchModel());
    expect(error.code).toBe('SAM_NO_ACCESS');
    expect(error.message).toMatch(/^facebook\/sam-vit-base is gated: no access (without a token|.* in HF_TOKEN)$/);
    expect(error.fix).toContain(`accept its terms at ${hub.url}/${NAME}`);
  });

  it("of the host that the Hub redirects to are not the Hub's own", async () => {
    publish({ 'config.json': config, 'model.safetensors': big(weights) });
    hub.filesBroken = 403;
    const error = await failure(fetchModel());
    expect(error.code).toBe('SAM_NETWORK');
    expect(error.message).toMatch(/cannot download .*model.safetensors: 403 Forbidden/);
  });

  it('a revision that does not exist', async () => {
    publish({ 'config.json': config, 'model.safetensors': big(weights) });
    const error = await failure(fetchModel(`${NAME}@v9`));
    expect(error).toMatchObject({ code: 'SAM_NOT_FOUND', message: `${NAME} has no revision v9` });
    expect(error.fix).toContain('branches');
  });

  it.each(['bert', 'sam2', 'sam_hq', 'sam3'])('a model of type %s, before its weights come', async (type) => {
    publish({ 'config.json': plain({ model_type: type }), 'model.safetensors': big(weights) }, 'owner/name');
    const error = await failure(fetchModel('owner/name'));
    expect(error).toMatchObject({ code: 'SAM_BAD_CHECKPOINT', exitCode: 2 });
    expect(error.message).toBe(`owner/name is not a SAM model: its model_type is "${type}"`);
    expect(error.fix).toContain('facebook/sam-vit-base');
    expect(hub.paths('files')).toEqual([]);
  });

  it.each([
    ['no config.json', { 'model.safetensors': big(weights) }, /owner\/name is not a SAM model: it has no config.json/],
    [
      'an adapter alone',
      { 'adapter_config.json': plain({}), 'adapter_model.safetensors': big(weights) },
      /owner\/name is an adapter of PEFT \(LoRA or the like\), not a whole model/,
    ],
    ['a pipeline', { 'model_index.json': plain({}) }, /is not a SAM model: it is a pipeline of diffusers/],
    ['a part of one', { 'config.json': plain({ _class_name: 'UNet2D' }) }, /model: it is UNet2D of diffusers$/],
    ['no model_type', { 'config.json': plain({}) }, /its config.json has no model_type/],
    ['a config that is none', { 'config.json': plain([1]) }, /config.json is damaged/],
    [
      'no weights',
      { 'config.json': config, 'tf_model.h5': big(weights) },
      /neither model.safetensors nor pytorch_model/,
    ],
    [
      'a shard missing',
      { 'config.json': config, 'model.safetensors.index.json': plain({ weight_map: { x: 'one.safetensors' } }) },
      /names one.safetensors, which the repository does not have/,
    ],
    [
      'a shard elsewhere',
      { 'config.json': config, 'model.safetensors.index.json': plain({ weight_map: { x: '../../../x' } }) },
      /index.json is damaged/,
    ],
  ])('%s', async (_, files, message) => {
    publish(files, 'owner/name');
    const error = await failure(fetchModel('owner/name'));
    expect(error).toMatchObject({ code: 'SAM_BAD_CHECKPOINT', fix: expect.any(String) });
    expect(error.message).toMatch(message);
  });

  it('an endpoint that is none', async () => {
    env.HF_ENDPOINT = 'huggingface.co';
    expect(await failure(fetchModel())).toMatchObject({ code: 'SAM_BAD_OPTION', message: /HF_ENDPOINT/ });
  });
});
