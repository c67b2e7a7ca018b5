/** A workplace without the addon: what is shared, what is set, and that nothing stays open. */
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { openWorkplace } from '../../lib/embeddings/workplace.js';
import type { ResolvedModel } from '../../lib/models/model.js';
import { fakeNative } from '../models/support.js';

const threads: number[] = [];
vi.mock('../../lib/addon/native.js', async (original) => ({
  ...(await original<typeof import('../../lib/addon/native.js')>()),
  native: () => ({
    ...fakeNative([]).binding,
    info: () => ({ cuda: { available: false, library: false, devices: [] }, fastBf16: false }),
    setThreads: (count: number) => threads.push(count),
  }),
}));

let cacheDir: string;
beforeEach(async () => {
  cacheDir = await mkdtemp(join(tmpdir(), 'sam-workplace-'));
  threads.length = 0;
});
afterEach(() => rm(cacheDir, { recursive: true, force: true }));

const model = (encoderHash: string) => ({ name: 'm', encoder: `${encoderHash}.pt`, encoderHash }) as ResolvedModel;

test('models that share an encoder and a picture size share their embeddings', async () => {
  const workplace = openWorkplace({ cacheDir }, {});
  const store = await workplace.store(model('a'), undefined);
  expect(await workplace.store({ ...model('a'), name: 'tuned' }, undefined)).toBe(store);
  expect(await workplace.store(model('b'), undefined)).not.toBe(store);
  expect(await workplace.store(model('a'), 256)).not.toBe(store);
  await workplace.dispose();
});

test('it computes where the options say, or where it is told', () => {
  expect(openWorkplace({ cacheDir, threads: 3, precision: 'bf16' }, {}).compute).toMatchObject({
    device: 'cpu',
    precision: 'bf16',
    cachePrecision: 'fp16',
  });
  expect(threads).toEqual([3]);
  const compute = { device: 'cuda:1', precision: 'fp16', cachePrecision: 'fp16', name: 'GPU' } as const;
  expect(openWorkplace({ cacheDir, threads: 2 }, {}, compute).compute).toBe(compute);
  expect(openWorkplace({ cacheDir }, {}).compute.precision).toBe('fp32');
  expect(threads).toEqual([3]);
});

test('the cache folder is the default one where none is named', () => {
  vi.stubEnv('SAM_NATIVE_CACHE', cacheDir);
  expect(openWorkplace({}, {}).cacheDir).toBe(cacheDir);
  vi.unstubAllEnvs();
});

test('dispose leaves nothing of embeddings that are not kept, one that never opened included', async () => {
  const workplace = openWorkplace({ cacheDir, cache: false }, {});
  await workplace.store(model('a'), undefined);
  expect(await readdir(join(cacheDir, 'tmp'))).toHaveLength(1);
  const broken = openWorkplace({ cacheDir: '/dev/null/cache' }, {});
  await expect(broken.store(model('a'), undefined)).rejects.toMatchObject({ code: 'SAM_BAD_OPTION' });
  await broken.dispose();
  await workplace.dispose();
  expect(await readdir(join(cacheDir, 'tmp'))).toEqual([]);
});
