/** Verification with the real model: what is not it is told from it. */
import { expect, test } from 'vitest';
import { resolveModel } from '../../../lib/models/resolve.js';
import type { Exported } from '../../../lib/tasks/export/exported.js';
import type { Format, Job } from '../../../lib/tasks/export/format.js';
import { verify } from '../../../lib/tasks/export/verify.js';

const job = async (): Promise<Job> => ({
  model: await resolveModel('mobile-sam', {}),
  part: 'decoder',
  folder: 'nowhere',
  cacheDir: undefined,
});

const opening = (exported: Exported | string): Format => ({
  parts: ['decoder'],
  write: async () => [],
  open: async () => exported,
});

test('an export that answers otherwise is not the model, and is closed', async () => {
  let closed = 0;
  const wrong = opening({
    decode: async (_, { promptsPerImage: count }) => ({
      lowResLogits: new Float32Array(count * 4 * 256 ** 2).fill(1),
      iouPredictions: new Float32Array(count * 4),
      outputs: 4,
    }),
    close: async () => void closed++,
  });
  const { verified, line } = await verify(wrong, await job(), [], 1);
  expect(verified).toMatchObject({ pictures: 1 });
  expect(verified!.meanIou).toBeLessThan(0.9);
  expect(verified!.maxLogitDifference).toBeGreaterThan(1);
  expect(line).toMatch(/^the export is NOT the model: on 1 validation picture of sample:rivers mean IoU 0\./);
  expect(closed).toBe(1);
}, 120_000);

test('an encoder that answers otherwise is told from its own, and an export without either half is the model', async () => {
  const wrong = opening({ encode: async ({ values }) => values.slice(0, 256 * 64 * 64), close: async () => {} });
  expect((await verify(wrong, await job(), [], 1)).verified!.meanIou).toBeLessThan(0.9);
  const same = await verify(opening({ close: async () => {} }), await job(), [], 1);
  expect(same.verified).toEqual({ pictures: 1, meanIou: 1, minIou: 1, maxLogitDifference: 0, scoreDifference: 0 });
}, 120_000);

test('what cannot be run is not verified, and why is said', async () => {
  const nothing = opening('no runtime here: npm install it');
  const expected = { verified: null, line: 'not verified: no runtime here: npm install it' };
  expect(await verify(nothing, await job(), [], 1)).toEqual(expected);
  expect((await verify(nothing, await job(), [], 0)).verified).toBeNull();
}, 120_000);
