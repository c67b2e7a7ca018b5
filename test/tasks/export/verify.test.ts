/** Verification with the real model: what is not it is told from it. */
import { expect, test } from 'vitest';
import { resolveModel } from '../../../lib/models/resolve.js';
import type { Exported } from '../../../lib/tasks/export/exported.js';
import type { Format, Job } from '../../../lib/tasks/export/format.js';
import { type Verification, verify } from '../../../lib/tasks/export/verify.js';

const job = async (): Promise<Job> => ({
  model: await resolveModel('mobile-sam', {}),
  part: 'decoder',
  folder: 'nowhere',
  cacheDir: undefined,
  layout: 'meta',
  variants: ['fp32'],
});

const opening = (exported: Exported | string): Format => ({
  parts: ['decoder'],
  write: async () => [],
  open: async () => exported,
});

const held = async (format: Format, pictures: number): Promise<Verification> =>
  (await verify(format, await job(), [], pictures)).fp32!;

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
  const { verified, verification } = await held(wrong, 1);
  expect(verified).toMatchObject({ pictures: 1 });
  expect(verified!.meanIou).toBeLessThan(0.9);
  expect(verified!.maxLogitDifference).toBeGreaterThan(1);
  expect(verification).toMatch(/^the export is NOT the model: on 1 validation picture of sample:rivers mean IoU 0\./);
  expect(closed).toBe(1);
}, 120_000);

test('an encoder that answers otherwise is told from its own, and an export without either half is the model', async () => {
  const wrong = opening({ encode: async ({ values }) => values.slice(0, 256 * 64 * 64), close: async () => {} });
  expect((await held(wrong, 1)).verified!.meanIou).toBeLessThan(0.9);
  const same = await held(opening({ close: async () => {} }), 1);
  expect(same.verified).toEqual({ pictures: 1, meanIou: 1, minIou: 1, maxLogitDifference: 0, scoreDifference: 0 });
}, 120_000);

test('what cannot be run is not verified, and why is said', async () => {
  const nothing = opening('no runtime here: npm install it');
  const expected = { verified: null, verification: 'not verified: no runtime here: npm install it' };
  expect(await held(nothing, 1)).toEqual(expected);
  expect((await held(nothing, 0)).verified).toBeNull();
}, 120_000);

test('each variant is held against the model, which is asked once', async () => {
  const opened: string[] = [];
  const format: Format = {
    ...opening(''),
    open: async (_, names, variant) => {
      opened.push(`${names} ${variant}`);
      return variant === 'int8' ? 'no' : { close: async () => {} };
    },
  };
  let notes = 0;
  const three: Job = { ...(await job()), variants: ['fp32', 'fp16', 'int8'], onNote: () => notes++ };
  const found = await verify(format, three, ['a.onnx'], 1);
  expect(opened).toEqual(['a.onnx fp32', 'a.onnx fp16', 'a.onnx int8']);
  expect(found.fp32!.verified).toEqual(found.fp16!.verified);
  expect(found.fp16!.verification).toMatch(/^verified fp16: on 1 validation picture/);
  expect(found.int8).toEqual({ verified: null, verification: 'not verified: no' });
  expect(notes).toBe(1);
}, 120_000);

test('which of the variants is not the model is said', async () => {
  const wrong: Exported = { encode: async ({ values }) => values.slice(0, 256 * 64 * 64), close: async () => {} };
  const format = opening(wrong);
  const found = await verify(format, { ...(await job()), variants: ['fp32', 'int8'] }, [], 1);
  expect(found.fp32!.verification).toMatch(/^the export is NOT the model: on/);
  expect(found.int8!.verification).toMatch(/^the int8 export is NOT the model: on/);
}, 120_000);
