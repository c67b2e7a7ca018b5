/** `hf:owner/name` against a local server that speaks the Hub's protocol. */
import { cp, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { contentHash } from '../../../../lib/data/decode.js';
import { type HubSourceOptions, hubSource } from '../../../../lib/data/sources/hub/hub-source.js';
import { type FakeFile, HubServer, hashOf } from '../../../hub-server.js';
import { greys, pictureColumns } from '../../parquet-fixtures.js';
import { temporaryFolder } from '../../pictures.js';

const NAME = 'someone/rivers';
const [A, B] = ['a'.repeat(40), 'b'.repeat(40)] as const;
const READING = { masks: 'required', skipBad: false } as const;

let hub: HubServer;
let folder: string;
let env: NodeJS.ProcessEnv;
let notices: string[];

beforeEach(async () => {
  hub = await HubServer.start();
  folder = await temporaryFolder();
  env = { HF_HOME: join(folder, 'home'), HF_ENDPOINT: hub.url };
  notices = [];
});
afterEach(() => hub.stop());

async function parquet(from: number, to: number): Promise<FakeFile> {
  const pictures = await greys(from, to, (value) => `p${value}.png`);
  return { bytes: Buffer.from(pictureColumns({ image: pictures, label: pictures })), lfs: true };
}

const text = (content: string): FakeFile => ({ bytes: Buffer.from(content), lfs: false });

function publish(files: Record<string, FakeFile>) {
  hub.repositories[NAME] = { dataset: true, commits: { [A]: files }, refs: { main: A } };
  return hub.repositories[NAME];
}

function open(spec = `hf:${NAME}`, changes: Partial<HubSourceOptions> = {}) {
  return hubSource(spec, {
    imageColumn: 'image',
    labelColumn: 'label',
    cacheDir: join(folder, 'own'),
    env,
    pauseMs: 1,
    onNote: (line) => notices.push(line),
    ...changes,
  });
}

async function names(split: string, spec?: string, changes?: Partial<HubSourceOptions>): Promise<string[]> {
  return Array.from(await open(spec, changes).readSplit(split, READING), ({ name }) => name);
}

const offline = () => ({ env: { ...env, HF_HUB_OFFLINE: '1' } });
const cached = () => join(folder, 'home', 'hub', 'datasets--someone--rivers');

describe('the files of a split', () => {
  test('are found by name, and only they are fetched, into the cache that Python shares', async () => {
    const [train, validation] = [await parquet(1, 4), await parquet(4, 6)];
    publish({ 'data/train-00000-of-00001.parquet': train, 'data/validation-00000-of-00001.parquet': validation });
    const source = open();
    expect(await source.splits()).toEqual(['train', 'validation']);
    const samples = [...(await source.readSplit('train', READING))];
    expect(samples.map(({ name }) => name)).toEqual(['p1', 'p2', 'p3']);
    await contentHash(samples[0]!);
    expect(hub.paths('files')).toEqual([`/${hashOf(train.bytes)}`]);
    expect(hub.paths()[0]).toBe(`/api/datasets/${NAME}/revision/main`);
    expect(hub.paths().at(-1)).toBe(`/datasets/${NAME}/resolve/${A}/data/train-00000-of-00001.parquet`);
    expect(await readFile(join(cached(), 'refs', 'main'), 'utf8')).toBe(A);
    expect(await readdir(join(cached(), 'snapshots', A, 'data'))).toEqual(['train-00000-of-00001.parquet']);
    expect(notices).toEqual([
      expect.stringMatching(/^downloading the split 'train' of hf:someone\/rivers .*\(1 file, 1 MB\)$/),
    ]);
    // The second time the commit alone is asked for.
    hub.requests.length = 0;
    expect(await names('train')).toEqual(['p1', 'p2', 'p3']);
    expect(hub.paths()).toEqual([`/api/datasets/${NAME}/revision/main`]);
  });

  test('are those that the README declares', async () => {
    publish({
      'README.md': text(
        `---\nconfigs:\n- data_files:\n  - split: train\n    path: b/*\n  - split: val\n    path: a/*\n---\n`,
      ),
      'a/train.parquet': await parquet(1, 2),
      'b/train.parquet': await parquet(2, 3),
    });
    expect(await names('train')).toEqual(['p2']);
    expect(await names('validation')).toEqual(['p1']);
    await expect(names('test')).rejects.toMatchObject({
      code: 'SAM_BAD_DATA',
      fix: 'The splits there are: train, val.',
    });
  });

  test('of a configuration', async () => {
    publish({
      'README.md': text(`---\nconfigs:\n- config_name: a\n  data_dir: a\n- config_name: b\n  data_dir: b\n---\n`),
      'a/train.parquet': await parquet(1, 2),
      'b/train.parquet': await parquet(2, 3),
    });
    expect(await names('train', `hf:${NAME}/b`)).toEqual(['p2']);
    await expect(names('train')).rejects.toMatchObject({ fix: `name one: \`data\` hf:${NAME}/CONFIG.` });
  });

  test('of loose images: what the Hub has converted', async () => {
    const repository = publish({ 'train/a.jpg': text('x'), 'train/b.jpg': text('x'), 'metadata.csv': text('x') });
    await expect(names('train')).rejects.toMatchObject({
      code: 'SAM_BAD_DATA',
      message: `hf:${NAME} has no Parquet files, and the Hub has converted none (there: 2 .jpg, 1 .csv)`,
      fix: expect.stringContaining(`hf download ${NAME} --repo-type dataset`),
    });
    repository.refs['refs/convert/parquet'] = B;
    repository.commits[B] = { 'default/train/0000.parquet': await parquet(1, 3) };
    expect(await names('train')).toEqual(['p1', 'p2']);
    expect(await names('train', undefined, offline())).toEqual(['p1', 'p2']);
    await expect(names('train', `hf:${NAME}@${A}`)).rejects.toThrow(`no Parquet files at ${A}`);
  });

  test('of a revision', async () => {
    publish({ 'train.parquet': await parquet(1, 2) });
    hub.repositories[NAME]!.commits[B] = { 'train.parquet': await parquet(2, 3) };
    hub.repositories[NAME]!.refs.v2 = B;
    expect([await names('train'), await names('train', `hf:${NAME}@v2`)]).toEqual([['p1'], ['p2']]);
    await expect(names('train', `hf:${NAME}@v3`)).rejects.toMatchObject({
      code: 'SAM_NOT_FOUND',
      fix: expect.stringContaining(`${hub.url}/datasets/${NAME}/branches`),
    });
  });
});

describe('downloading', () => {
  test('goes on where a connection broke, and takes nothing spoiled', async () => {
    const train = await parquet(1, 200);
    publish({ 'train.parquet': train });
    hub.breaks.push(1000);
    expect(await names('train')).toHaveLength(199);
    expect(hub.requests.filter(({ server }) => server === 'files').map(({ range }) => range)).toEqual([
      undefined,
      'bytes=1000-',
    ]);
    await rm(join(folder, 'home'), { recursive: true });
    hub.spoiled = 2;
    await expect(names('train')).rejects.toMatchObject({
      code: 'SAM_NETWORK',
      message: expect.stringContaining('SHA-256'),
    });
    expect(await names('train')).toHaveLength(199);
  });

  test('needs no network for what is in the cache, and names what is not', async () => {
    publish({ 'train.parquet': await parquet(1, 3), 'test.parquet': await parquet(3, 4) });
    await names('train');
    hub.requests.length = 0;
    expect(await names('train', undefined, offline())).toEqual(['p1', 'p2']);
    await expect(names('test', undefined, offline())).rejects.toMatchObject({
      code: 'SAM_NOT_FOUND',
      message: expect.stringMatching(/^test\.parquet of someone\/rivers is not in .*HF_HUB_OFFLINE=1 forbids/),
      fix: expect.stringContaining(`hf download ${NAME} --repo-type dataset`),
    });
    expect(hub.requests).toEqual([]);
    // Without our own listing, as where Python has filled the cache.
    await rm(join(folder, 'own'), { recursive: true });
    expect(await names('train', undefined, offline())).toEqual(['p1', 'p2']);
    hub.broken = 503;
    expect(await names('train')).toEqual(['p1', 'p2']);
    expect(notices.at(-1)).toContain('from the cache');
    await cp(cached(), join(folder, 'elsewhere'), { recursive: true });
    await rm(cached(), { recursive: true });
    await expect(names('train', undefined, offline())).rejects.toThrow('someone/rivers is not in');
  });
});

test('of shards that another program has fetched in part, none counts', async () => {
  const [first, second] = [await parquet(1, 2), await parquet(2, 3)];
  publish({ 'train-00000-of-00002.parquet': first, 'train-00001-of-00002.parquet': second });
  expect(await names('train')).toEqual(['p1', 'p2']);
  await rm(join(folder, 'own'), { recursive: true });
  expect(await names('train', undefined, offline())).toEqual(['p1', 'p2']);
  await rm(join(cached(), 'snapshots', A, 'train-00001-of-00002.parquet'));
  await expect(names('train', undefined, offline())).rejects.toThrow(`${NAME} is not in`);
});

describe('access', () => {
  test('private: the message names HF_TOKEN; with the token it works', async () => {
    publish({ 'train.parquet': await parquet(1, 3) }).token = 'mine';
    hub.tokens.push('mine');
    await expect(names('train')).rejects.toMatchObject({
      code: 'SAM_NOT_FOUND',
      message: expect.stringContaining('it is private: set HF_TOKEN'),
    });
    env.HF_TOKEN = 'mine';
    expect(await names('train')).toEqual(['p1', 'p2']);
    expect(hub.requests.filter(({ server }) => server === 'files').at(-1)!.authorization).toBeUndefined();
  });

  test('gated: the message names the page with the terms', async () => {
    Object.assign(publish({ 'train.parquet': await parquet(1, 3) }), { token: 'mine', gated: true });
    await expect(names('train')).rejects.toMatchObject({
      code: 'SAM_NO_ACCESS',
      message: `${NAME} is gated: no access without a token`,
      fix: expect.stringContaining(`accept its terms at ${hub.url}/datasets/${NAME}, then set HF_TOKEN`),
    });
  });

  test('a model of that name is no data set', async () => {
    publish({ 'train.parquet': await parquet(1, 3) }).dataset = false;
    await expect(names('train')).rejects.toMatchObject({ code: 'SAM_NOT_FOUND' });
  });
});

test.each(['hf:rivers', 'hf:a/b/c/d', 'hf:a/../b', 'hf:a/b@', 'hf:', 'hf:a/b@../x'])('%s is refused', (spec) => {
  expect(() => open(spec)).toThrow(expect.objectContaining({ code: 'SAM_BAD_OPTION' }));
});
