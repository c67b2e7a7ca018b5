/** What is wrong with a call of `export` is told before a model is looked for, which may have to be downloaded. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { exportModel } from '../../../lib/tasks/export/export.js';

test('a place that is taken, and options of another format, are refused before the model is looked for', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'sam-export-'));
  const taken = join(dir, 'taken.pth');
  await writeFile(taken, 'mine');
  await expect(exportModel({ model: 'no-such-model', to: 'meta', out: taken })).rejects.toMatchObject({
    code: 'SAM_RUN_EXISTS',
  });
  const foreign = exportModel({ model: 'no-such-model', to: 'meta', layout: 'meta' });
  await expect(foreign).rejects.toMatchObject({ code: 'SAM_BAD_OPTION' });
  await rm(dir, { recursive: true });
});
