/** Names of models that mean a folder of this machine, misspelt: the Hub never hears of them. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { SamError } from '../../lib/core/errors.js';
import { resolveModel } from '../../lib/models/resolve.js';
import { compile, runCli } from '../cli/run-cli.js';
import { dataSet } from '../data/pictures.js';
import { HubServer } from '../hub-server.js';
import { fakeNative } from './support.js';

vi.mock('../../lib/addon/native.js', async (original) => ({
  ...(await original<typeof import('../../lib/addon/native.js')>()),
  native: () => fakeNative([]).binding,
}));

let hub: HubServer;
let cwd: string;
beforeEach(async () => {
  hub = await HubServer.start();
  cwd = await mkdtemp(join(tmpdir(), 'sam-local-names-'));
  vi.stubEnv('HF_ENDPOINT', hub.url);
  vi.stubEnv('HF_HOME', join(cwd, 'home'));
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await hub.stop();
  await rm(cwd, { recursive: true, force: true });
});

async function makeRuns(...names: string[]): Promise<void> {
  for (const name of names) await mkdir(join(cwd, name, 'checkpoints'), { recursive: true });
}

async function refusal(spec: string): Promise<SamError> {
  const error: unknown = await resolveModel(spec, { cacheDir: join(cwd, 'cache'), cwd }).catch((thrown) => thrown);
  expect(error).toBeInstanceOf(SamError);
  return error as SamError;
}

describe('what is never asked of the Hub', () => {
  it('a name beside existing runs; the message names those that there are', async () => {
    await makeRuns('runs/first', 'runs/second', 'trials/a-run');
    await mkdir(join(cwd, 'runs/no-run'));
    expect(await refusal('runs/firts')).toMatchObject({
      code: 'SAM_NOT_FOUND',
      message: 'no model runs/firts: runs holds first, second',
      fix: 'did you mean runs/first?',
    });
    expect(await refusal('trials/river')).toMatchObject({
      message: 'no model trials/river: trials holds a-run',
      fix: 'give mobile-sam, a file of weights, a run folder or a checkpoint; of the Hugging Face Hub: trials/river@main',
    });
    expect(hub.requests).toEqual([]);
  });

  it('a name in any folder that is here, and in runs where there are none yet', async () => {
    await mkdir(join(cwd, 'photos'));
    expect((await refusal('photos/river')).message).toBe('no model photos/river: no such file or folder');
    expect((await refusal('runs/first')).message).toBe('no model runs/first: no such file or folder');
    expect(hub.requests).toEqual([]);
  });

  it('a path, and a single word, which the runs beside may explain as well', async () => {
    await makeRuns('first', 'deep/er/first');
    expect(await refusal('frist')).toMatchObject({
      message: 'no model frist: . holds first',
      fix: 'did you mean first?',
    });
    expect(await refusal('./frist')).toMatchObject({ fix: 'did you mean ./first?' });
    expect(await refusal('deep/er/frist')).toMatchObject({ fix: 'did you mean deep/er/first?' });
    expect(await refusal(join(cwd, 'frist'))).toMatchObject({ fix: `did you mean ${join(cwd, 'first')}?` });
    expect(hub.requests).toEqual([]);
  });

  it('from the command line', async () => {
    compile();
    await makeRuns('runs/first');
    const env = { HF_ENDPOINT: hub.url, HF_HOME: join(cwd, 'home') };
    await writeFile(join(cwd, 'a.jpg'), 'no picture: nobody looks');
    for (const args of [
      ['evaluate', '--models', 'runs/firts', '--data', await dataSet({ validation: ['a'] })],
      ['predict', 'a.jpg', '--model', 'runs/firts', '--point', '1,1'],
      ['export', 'runs/firts', '--to', 'torchscript', '--out', 'x'],
    ]) {
      const { code, stderr } = await runCli(args, { cwd, env });
      expect(code).toBe(2);
      expect(stderr.trimEnd().split('\n').at(-1)).toBe(
        'error: no model runs/firts: runs holds first — did you mean runs/first?',
      );
    }
    expect(hub.requests).toEqual([]);
  });
});

describe('what is', () => {
  it("a name of the Hub's, where no folder of the owner's name is here, or where a revision is named", async () => {
    expect((await refusal('facebook/sam-vit-base')).code).toBe('SAM_NOT_FOUND');
    expect(hub.paths()).toEqual(['/api/models/facebook/sam-vit-base/revision/main']);
    await mkdir(join(cwd, 'facebook'));
    await refusal('facebook/sam-vit-base@main');
    expect(hub.paths()).toHaveLength(2);
    await refusal('facebook/sam-vit-base');
    expect(hub.paths()).toHaveLength(2);
  });

  it('where the Hub does not answer, the error says that there is no such folder either, and how to do without', async () => {
    await hub.stop();
    const { code, message, fix } = await refusal('someone/rivers');
    expect(code).toBe('SAM_NETWORK');
    expect(message).toMatch(/cannot be reached.*; and there is no file or folder someone\/rivers here$/);
    expect(fix).toMatch(
      /check the network.*run hf download someone\/rivers on a machine with a network and copy its cache to/,
    );
  });
});
