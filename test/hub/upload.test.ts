/** Uploads, against a local server that speaks the Hub's protocol: what is sent, what is not sent again, and what is refused. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SamError } from '../../lib/core/errors.js';
import { hubEnvironment } from '../../lib/hub/environment.js';
import type { Asked } from '../../lib/hub/request.js';
import { requireWriter, type UploadFile, type UploadOptions, upload } from '../../lib/hub/upload.js';
import { HubServer } from '../hub-server.js';

const NAME = 'me/rivers';
const weights = Buffer.from(Array.from({ length: 300_000 }, (_, i) => (i * 31 + (i >> 8)) & 255));

let hub: HubServer;
let folder: string;
let env: NodeJS.ProcessEnv;
let notes: string[];

beforeEach(async () => {
  hub = await HubServer.start();
  hub.tokens.push('mine');
  folder = await mkdtemp(join(tmpdir(), 'sam-upload-'));
  env = { HF_HOME: join(folder, 'home'), HF_ENDPOINT: hub.url, HF_TOKEN: 'mine' };
  notes = [];
});
afterEach(async () => {
  await hub.stop();
  await rm(folder, { recursive: true, force: true });
});

const asked = (more: Partial<Asked> = {}): Asked => ({
  hub: hubEnvironment(env),
  repo: { type: 'model', name: NAME },
  revision: 'main',
  writes: true,
  ...more,
});

async function write(path: string, content: Buffer | string): Promise<UploadFile> {
  const file = join(folder, path.replaceAll('/', '-'));
  await writeFile(file, content);
  return { path, file, bytes: Buffer.byteLength(content) };
}
const filesOf = () => Promise.all([write('README.md', '# Rivers'), write('model.safetensors', weights)]);
const options: UploadOptions = { public: false, message: 'Rivers', pauseMs: 1, onNote: (line) => notes.push(line) };

async function failure(work: Promise<unknown>): Promise<SamError> {
  const error = await work.then(
    () => new Error('it worked'),
    (error: unknown) => error,
  );
  expect(error).toBeInstanceOf(SamError);
  expect((error as SamError).message).not.toContain('\n');
  return error as SamError;
}

/** What the branch holds now, by path. */
function held(branch = 'main', name = NAME) {
  const { commits, refs } = hub.repositories[name]!;
  return commits[refs[branch]!]!;
}
/** Vitest takes its time with bytes by the hundred thousand. */
const expectWeights = (branch?: string) => expect(held(branch)['model.safetensors']!.bytes.equals(weights)).toBe(true);
/** Uploads to the server of big files, whole or cut short. */
const uploads = () => hub.requests.filter(({ method, server }) => method === 'PUT' && server === 'files').length;

describe('upload', () => {
  it('makes a private repository, and brings all files in by one commit', async () => {
    const seen: [number, number][] = [];
    const onProgress = ({ done, total }: { done: number; total: number }) => void seen.push([done, total]);
    const result = await upload(asked(), await filesOf(), { ...options, onProgress });
    expect(result).toEqual({
      commit: hub.repositories[NAME]!.refs.main,
      private: true,
      changed: ['README.md', 'model.safetensors'],
    });
    expect(hub.repositories[NAME]!.token).toBe('mine');
    expect(held()['model.safetensors']!.lfs).toBe(true);
    expectWeights();
    expect(held()['README.md']).toEqual({ bytes: Buffer.from('# Rivers'), lfs: false });
    expect(hub.writes.commits).toEqual([
      { summary: 'Rivers', parent: expect.any(String), paths: ['README.md', 'model.safetensors'] },
    ]);
    expect(seen.at(-1)).toEqual([300_000, 300_008]); // the small file travels within the commit
    expect(notes).toEqual([`made ${hub.url}/${NAME}, private`]);
  });

  it('sends the token to the Hub alone, whatever it looks like', async () => {
    await upload(asked(), await filesOf(), options);
    const sent = (server: string) => hub.requests.filter((request) => request.server === server);
    expect(new Set(sent('hub').map(({ authorization }) => authorization))).toEqual(new Set(['Bearer mine']));
    expect(sent('files').map(({ authorization }) => authorization)).toEqual([undefined]);
  });

  it('goes on where the repository is there; what is there stays, and is not sent again', async () => {
    const files = await filesOf();
    const { commit } = await upload(asked(), files, options);
    expect(await upload(asked(), files, options)).toEqual({ commit, private: true, changed: [] });
    expect([hub.writes.commits.length, uploads()]).toEqual([1, 1]);
    const changed = [await write('README.md', '# Rivers and lakes'), files[1]!];
    expect((await upload(asked(), changed, options)).changed).toEqual(['README.md']);
    expect([hub.writes.commits.length, uploads()]).toEqual([2, 1]);
    expectWeights();
  });

  it('sends big files in parts, and what broke is sent again, alone', async () => {
    hub.writes.partBytes = 70_000;
    hub.writes.breaks.push(undefined, 20_000, undefined);
    const seen: number[] = [];
    await upload(asked(), await filesOf(), { ...options, onProgress: ({ done }) => void seen.push(done) });
    expectWeights();
    expect(uploads()).toBe(6); // five parts, one of them twice
    expect(seen.slice(0, 5).every((done, index) => index === 0 || done > seen[index - 1]!)).toBe(true);
  });

  it('a connection that breaks is tried again, at growing pauses', async () => {
    hub.writes.breaks.push(10_000, 200_000);
    hub.writes.busy = 1;
    await upload(asked(), await filesOf(), options);
    expect(uploads()).toBe(3);
    expectWeights();
  });

  it('one that breaks for good publishes nothing, and the next run goes on', async () => {
    const files = [...(await filesOf()), await write('checkpoint.safetensors', weights.subarray(7))];
    hub.writes.breaks.push(undefined, ...Array.from({ length: 10 }, () => 10));
    const error = await failure(upload(asked(), files, { ...options, attempts: 2 }));
    expect(error).toMatchObject({ code: 'SAM_NETWORK', exitCode: 1 });
    expect(error.message).toMatch(/^cannot upload to me\/rivers on http:\/\/127.0.0.1:\d+: /);
    expect(error.fix).toContain('run it again');
    expect(Object.keys(held())).toEqual(['.gitattributes']);
    expect(hub.writes.store.size).toBe(1);
    hub.writes.breaks.length = 0;
    const before = uploads();
    await upload(asked(), files, options);
    expect(uploads() - before).toBe(1); // the other file had arrived
    expect(Object.keys(held()).sort()).toEqual([
      '.gitattributes',
      'README.md',
      'checkpoint.safetensors',
      'model.safetensors',
    ]);
  });

  it('a commit whose answer is lost is not made twice', async () => {
    hub.writes.lostAnswers = 1;
    const { commit } = await upload(asked(), await filesOf(), options);
    expect(commit).toBe(hub.repositories[NAME]!.refs.main);
    expect(hub.writes.commits).toHaveLength(1);
  });

  it('goes on from what others have committed meanwhile, and gives up where they never end', async () => {
    await upload(asked(), [await write('README.md', 'first')], options);
    hub.writes.conflicts = 2;
    await upload(asked(), await filesOf(), options);
    expect(Object.keys(held())).toEqual(expect.arrayContaining(['theirs.txt', 'model.safetensors']));
    expect(held()['README.md']!.bytes.toString()).toBe('# Rivers');
    expect(notes.at(-1)).toBe('me/rivers has changed meanwhile: going on from what it is now');
    expect(uploads()).toBe(1);
    hub.writes.conflicts = 9;
    const error = await failure(upload(asked(), [await write('README.md', 'third')], options));
    expect(error).toMatchObject({ code: 'SAM_NETWORK', message: 'somebody else writes to me/rivers all the time' });
  });

  it('a branch is made from main, once', async () => {
    const files = await filesOf();
    await upload(asked({ revision: 'second/try' }), files, options);
    expect(Object.keys(held())).toEqual(['.gitattributes']);
    expectWeights('second/try');
    expect((await upload(asked({ revision: 'second/try' }), files, options)).changed).toEqual([]);
  });

  it('stops when aborted, with the reason, and publishes nothing', async () => {
    hub.writes.partBytes = 70_000;
    const controller = new AbortController();
    const reason = new SamError('SAM_INTERRUPTED', 'interrupted');
    const onProgress = () => controller.abort(reason);
    const work = upload(asked({ signal: controller.signal }), await filesOf(), { ...options, onProgress });
    expect(await failure(work)).toBe(reason);
    expect(Object.keys(held())).toEqual(['.gitattributes']);
  });
});

describe('who may see it', () => {
  it('everybody, where `public` says so', async () => {
    const result = await upload(asked(), await filesOf(), { ...options, public: true });
    expect(result.private).toBe(false);
    expect(hub.repositories[NAME]!.token).toBeUndefined();
  });

  it('nothing comes into a public repository that was not said to be', async () => {
    await upload(asked(), [await write('README.md', 'first')], { ...options, public: true });
    const error = await failure(upload(asked(), await filesOf(), options));
    expect(error).toMatchObject({ code: 'SAM_BAD_OPTION', exitCode: 2 });
    expect(error.message).toBe('me/rivers is public: everybody would see what comes into it');
    expect(hub.writes.commits).toHaveLength(1);
  });

  it('a private one stays so, and a line says it', async () => {
    await upload(asked(), [await write('README.md', 'first')], options);
    expect((await upload(asked(), await filesOf(), { ...options, public: true })).private).toBe(true);
    expect(notes.at(-1)).toBe(`me/rivers is private and stays so: ${hub.url}/me/rivers/settings makes it public`);
  });
});

describe('refusals', () => {
  it('no token: how to log in, and nothing is asked', async () => {
    delete env.HF_TOKEN;
    const error = await failure(requireWriter(asked()));
    expect(error).toMatchObject({ code: 'SAM_NO_ACCESS', exitCode: 2 });
    expect(error.message).toBe(`writing to me/rivers on ${hub.url} needs a token, and there is none`);
    expect(error.fix).toContain('hf auth login');
    expect(hub.requests).toEqual([]);
  });

  it('a token that is refused, or may only read, before anything is made', async () => {
    env.HF_TOKEN = 'stale';
    const stale = await failure(requireWriter(asked()));
    expect(stale).toMatchObject({ code: 'SAM_NO_ACCESS', fix: expect.stringContaining('log in anew: hf auth login') });
    expect(stale.message).toBe(`the token in HF_TOKEN was refused by ${hub.url}`);
    hub.tokens.push('reader');
    hub.writes.readers.push('reader');
    env.HF_TOKEN = 'reader';
    const reader = await failure(requireWriter(asked()));
    expect(reader).toMatchObject({ code: 'SAM_NO_ACCESS', fix: expect.stringContaining('role write') });
    expect(reader.message).toBe(`the token in HF_TOKEN may not write to me/rivers on ${hub.url}`);
    env.HF_TOKEN = 'mine';
    await requireWriter(asked());
  });

  it("somebody else's name (403)", async () => {
    const theirs = asked({ repo: { type: 'model', name: 'others/rivers' } });
    const error = await failure(upload(theirs, await filesOf(), options));
    expect(error).toMatchObject({ code: 'SAM_NO_ACCESS', exitCode: 2 });
    expect(error.message).toBe(`the token in HF_TOKEN may not write to others/rivers on ${hub.url}`);
    expect(error.fix).toContain('of your own');
  });

  it('offline', async () => {
    env.HF_HUB_OFFLINE = '1';
    const error = await failure(requireWriter(asked()));
    expect(error).toMatchObject({ code: 'SAM_BAD_OPTION', message: 'HF_HUB_OFFLINE=1 forbids to upload anything' });
  });

  it('no Hub there', async () => {
    env.HF_ENDPOINT = 'http://127.0.0.1:1';
    expect(await failure(requireWriter(asked()))).toMatchObject({ code: 'SAM_NETWORK' });
  });
});
