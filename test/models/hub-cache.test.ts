import { lstat, mkdir, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { weightsIn } from '../../lib/models/hub-files.js';
import { gitHashOf, hashOf } from '../hub-server.js';
import {
  A,
  B,
  big,
  blobs,
  bytes,
  cache,
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

/** File-system calls that fail in this test, by name. */
const failing = new Map<string, NodeJS.ErrnoException>();
vi.mock('node:fs/promises', async (original) => {
  const real = await original<typeof import('node:fs/promises')>();
  const symlink: typeof real.symlink = async (...args) => {
    if (failing.has('symlink')) throw failing.get('symlink');
    return real.symlink(...args);
  };
  const open: typeof real.open = async (...args) => {
    if (failing.has('open') && String(args[0]).endsWith('.partial')) throw failing.get('open');
    const file = await real.open(...args);
    if (failing.has('append')) file.appendFile = () => Promise.reject(failing.get('append'));
    return file;
  };
  return { ...real, symlink, open };
});

beforeEach(() => failing.clear());

describe('what the cache holds', () => {
  it('copies where the disk has no links', async () => {
    failing.set('symlink', Object.assign(new Error('no links'), { code: 'EPERM' }));
    publish({ 'config.json': config, 'model.safetensors': big(weights) });
    const snapshot = await fetchModel();
    expect((await lstat(join(snapshot, 'model.safetensors'))).isFile()).toBe(true);
    expect(await readFile(join(snapshot, 'model.safetensors'))).toEqual(weights);
  });

  it('is not downloaded again', async () => {
    publish({ 'config.json': config, 'model.safetensors': big(weights) });
    const snapshot = await fetchModel();
    hub.requests.length = 0;
    expect(await fetchModel()).toBe(snapshot);
    expect(hub.paths()).toEqual([`/api/models/${NAME}/revision/main`]);
    expect(hub.paths('files')).toEqual([]);
  });

  it('is kept when the branch moves on, and the blobs that stay are linked', async () => {
    const { commits, refs } = publish({ 'config.json': config, 'model.safetensors': big(weights) });
    const old = await fetchModel();
    commits[B] = { 'config.json': plain({ model_type: 'sam', new: true }), 'model.safetensors': big(weights) };
    refs.main = B;
    hub.requests.length = 0;
    const now = await fetchModel();
    expect(now).toBe(join(repository(), 'snapshots', B));
    expect(hub.paths('files')).toEqual([]);
    expect(await readFile(join(now, 'model.safetensors'))).toEqual(weights);
    expect(await weightsIn(old)).toHaveLength(1);
  });

  /** As Python's library leaves it, with a file that we would not have chosen. */
  async function pythonsSnapshot(): Promise<string> {
    const snapshot = join(repository(), 'snapshots', A);
    for (const name of ['blobs', 'refs', join('snapshots', A)])
      await mkdir(join(repository(), name), { recursive: true });
    await writeFile(join(repository(), 'refs', 'main'), A);
    for (const [name, etag, content] of [
      ['config.json', gitHashOf(config.bytes), config.bytes],
      ['pytorch_model.bin', hashOf(weights), weights],
    ] as const) {
      await writeFile(join(repository(), 'blobs', etag), content);
      await symlink(join('..', '..', 'blobs', etag), join(snapshot, name));
    }
    return snapshot;
  }

  it("works as is when Python's library put it there", async () => {
    const snapshot = await pythonsSnapshot();
    publish({ 'config.json': config, 'model.safetensors': big(bytes(3)), 'pytorch_model.bin': big(weights) });
    expect(await fetchModel()).toBe(snapshot);
    expect(hub.paths('files')).toEqual([]);
    expect(await fetchModel(NAME, offline())).toBe(snapshot);
  });

  it('is completed where files or shards are missing', async () => {
    const [one, two] = [bytes(3, 5000), bytes(5, 7000)];
    const map = { x: 'model-1.safetensors', y: 'model-2.safetensors' };
    publish({
      'config.json': config,
      'model.safetensors.index.json': plain({ weight_map: map }),
      'model-1.safetensors': big(one),
      'model-2.safetensors': big(two),
    });
    const snapshot = await fetchModel();
    await rm(join(repository(), 'blobs', hashOf(two)));
    await expect(fetchModel(NAME, offline())).rejects.toMatchObject({ code: 'SAM_NOT_FOUND' });
    hub.requests.length = 0;
    await fetchModel();
    expect(hub.paths('files')).toEqual([`/${hashOf(two)}`]);
    expect(await readFile(join(snapshot, 'model-2.safetensors'))).toEqual(two);
  });

  it('is fetched anew where a blob was cut short', async () => {
    publish({ 'config.json': config, 'model.safetensors': big(weights) });
    const snapshot = await fetchModel();
    await writeFile(join(repository(), 'blobs', hashOf(weights)), weights.subarray(0, 100));
    await rm(join(snapshot, 'model.safetensors'));
    await fetchModel();
    expect(await readFile(join(snapshot, 'model.safetensors'))).toEqual(weights);
  });

  it.each<[string, () => void | Promise<void>]>([
    ['refuses connections', () => hub.stop()],
    [
      'answers 503',
      () => {
        hub.broken = 503;
      },
    ],
    [
      'answers 429',
      () => {
        hub.broken = 429;
      },
    ],
    [
      'is a hotel',
      () => {
        hub.instead = (response) => response.end('<html>Room number?</html>');
      },
    ],
    [
      'says nothing',
      () => {
        hub.instead = () => {};
        env.HF_HUB_ETAG_TIMEOUT = '0.05';
      },
    ],
  ])('is used when the Hub %s', async (_, breakIt) => {
    publish({ 'config.json': config, 'model.safetensors': big(weights) });
    const snapshot = await fetchModel();
    await breakIt();
    steps.length = 0;
    expect(await fetchModel()).toBe(snapshot);
    expect(steps.join()).toContain(`taking ${NAME} from the cache, ${snapshot}`);
    expect(steps.join()).toMatch(/^http:.* (cannot be reached: .*|answered .*|gave no answer .*): taking/);
    const error = await failure(fetchModel('facebook/sam-vit-huge'));
    expect(error).toMatchObject({ code: 'SAM_NETWORK', fix: expect.stringContaining('network') });
    expect(error.message).toContain(env.HF_ENDPOINT);
  });

  it('is left as it was when a newer commit cannot be had', async () => {
    const { commits, refs } = publish({ 'config.json': config, 'model.safetensors': big(weights) });
    const old = await fetchModel();
    commits[B] = { 'config.json': config, 'model.safetensors': big(bytes(7)) };
    refs.main = B;
    hub.breaks.push(0, 0);
    await failure(fetchModel(NAME, { attempts: 2 }));
    expect(await fetchModel(NAME, offline())).toBe(old);
  });
});

describe('offline', () => {
  it.each([
    ['HF_HUB_OFFLINE', '1'],
    ['HF_HUB_OFFLINE', 'TRUE'],
    ['HF_HUB_OFFLINE', 'on'],
    ['TRANSFORMERS_OFFLINE', 'yes'],
  ])('%s=%s: no request at all, the cache alone', async (variable, value) => {
    publish({ 'config.json': config, 'model.safetensors': big(weights) });
    const snapshot = await fetchModel();
    hub.requests.length = 0;
    env[variable] = value;
    expect(await fetchModel()).toBe(snapshot);
    const error = await failure(fetchModel('facebook/sam-vit-huge'));
    expect(error.code).toBe('SAM_NOT_FOUND');
    expect(error.message).toBe(
      `facebook/sam-vit-huge is not in ${cache}, and ${variable}=${value} forbids to download it`,
    );
    expect(error.fix).toContain(`unset ${variable}`);
    expect(error.fix).toContain('hf download facebook/sam-vit-huge');
    expect(hub.requests).toEqual([]);
  });

  it('another value, or half a download, is not enough', async () => {
    publish({ 'config.json': config, 'model.safetensors': big(weights) });
    env.HF_HUB_OFFLINE = '0';
    hub.breaks.push(10);
    await failure(fetchModel(NAME, { attempts: 1 }));
    await expect(fetchModel(`${NAME}@${A}`, offline())).rejects.toThrow(/is not in/);
  });
});

describe('a connection that breaks', () => {
  it('is taken up where it broke', async () => {
    publish({ 'config.json': config, 'model.safetensors': big(weights) });
    hub.breaks.push(100_000);
    const snapshot = await fetchModel();
    expect(await readFile(join(snapshot, 'model.safetensors'))).toEqual(weights);
    expect(hub.requests.filter(({ server }) => server === 'files').map(({ range }) => range)).toEqual([
      undefined,
      'bytes=100000-',
    ]);
  });

  it('again and again: fails, leaves nothing under the final name, and the next call goes on', async () => {
    publish({ 'config.json': config, 'model.safetensors': big(weights) });
    hub.breaks.push(50_000, 0);
    const error = await failure(fetchModel(NAME, { attempts: 2 }));
    expect(error).toMatchObject({ code: 'SAM_NETWORK', fix: expect.stringContaining('run it again') });
    expect(await blobs()).not.toContain(hashOf(weights));
    expect(await readdir(join(repository(), 'snapshots', A))).toEqual(['config.json']);
    const snapshot = await fetchModel();
    expect(hub.requests.at(-1)!.range).toBe('bytes=50000-');
    expect(await readFile(join(snapshot, 'model.safetensors'))).toEqual(weights);
    expect(await blobs()).toHaveLength(2);
  });

  it('a file that came wrong is fetched once more', async () => {
    publish({ 'config.json': config, 'model.safetensors': big(weights) });
    hub.spoiled = 1;
    const snapshot = await fetchModel();
    expect(await readFile(join(snapshot, 'model.safetensors'))).toEqual(weights);
    expect(hub.paths('files')).toHaveLength(2);
  });

  it('a file that comes wrong twice is refused, and nothing of it is kept', async () => {
    publish({ 'config.json': config, 'model.safetensors': big(weights) });
    hub.spoiled = 2;
    const error = await failure(fetchModel());
    expect(error.code).toBe('SAM_NETWORK');
    expect(error.message).toContain(hashOf(weights));
    expect(await blobs()).toEqual([gitHashOf(config.bytes)]);
  });

  it('small files are checked too', async () => {
    const files = publish({ 'config.json': config, 'model.safetensors': big(weights) }).commits[A]!;
    // The listing is of one config, the file that comes is another.
    const listed = { ...config };
    files['config.json'] = listed;
    Object.defineProperty(listed, 'bytes', {
      get: () => (hub.paths().at(-1)!.includes('/resolve/') ? Buffer.from('{"model_type":"sam"}') : config.bytes),
    });
    expect((await failure(fetchModel())).message).toMatch(/git hash [0-9a-f]{40}, not/);
    expect(await blobs()).toEqual([]);
  });

  it('stops when aborted, with the reason', async () => {
    publish({ 'config.json': config, 'model.safetensors': big(weights) });
    const controller = new AbortController();
    const reason = new Error('enough');
    const work = fetchModel(NAME, { signal: controller.signal, onProgress: () => controller.abort(reason) });
    await expect(work).rejects.toBe(reason);
    expect(await blobs()).not.toContain(hashOf(weights));
    await expect(fetchModel(NAME, { signal: controller.signal })).rejects.toBe(reason);
  });

  it.each(['open', 'append'])('a full disk is not taken for a broken line (%s)', async (call) => {
    publish({ 'config.json': config, 'model.safetensors': big(weights) });
    failing.set(call, Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' }));
    const error = await failure(fetchModel());
    expect(error).toMatchObject({ code: 'SAM_IO', fix: expect.stringContaining('free some space') });
    expect(error.message).toContain(join(repository(), 'blobs'));
    expect(hub.paths().filter((path) => path.includes('/resolve/'))).toHaveLength(1);
  });
});
