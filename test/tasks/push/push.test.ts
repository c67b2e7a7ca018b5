/** Places of `push`: what can't be written is refused before any work, and what fails leaves nothing behind. */
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { pushModel } from '../../../lib/tasks/push/push.js';

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'sam-push-'));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

const dry = (run: string, out: string) =>
  pushModel({ run, to: 'me/rivers', dryRun: true, out, cacheDir: join(dir, 'cache') });

test('a folder that cannot be made is a wrong call, in the words of every other command', async () => {
  await expect(dry(dir, '/proc/nowhere/hub')).rejects.toMatchObject({
    code: 'SAM_BAD_OPTION',
    message: expect.stringMatching(/^cannot write \/proc\/nowhere\/hub\//),
    fix: 'name another place with `out`',
  });
});

test('what fails, early or late, leaves no folders above the one that was asked for', async () => {
  await expect(dry(join(dir, 'no-run'), join(dir, 'new', 'deep'))).rejects.toMatchObject({ code: 'SAM_NOT_FOUND' });
  const run = join(dir, 'run');
  await mkdir(join(run, 'checkpoints'), { recursive: true });
  await writeFile(join(run, 'config.json'), '{}');
  await expect(dry(run, join(dir, 'new', 'deep'))).rejects.toMatchObject({ code: 'SAM_NOT_FOUND' });
  expect(await readdir(dir)).toEqual(['run']);
});
