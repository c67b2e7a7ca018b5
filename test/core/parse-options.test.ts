import { describe, expect, test } from 'vitest';
import { parseOptions } from '../../lib/core/parse-options.js';
import { trainOptionsSchema } from '../../lib/options.js';

describe('parseOptions', () => {
  test('fills in the defaults', () => {
    const options = parseOptions(trainOptionsSchema, { data: 'x', epochs: 3 });
    expect(options).toMatchObject({ data: 'x', epochs: 3, batchSize: 4, lr: 2e-5, schedule: 'constant', cache: true });
  });

  test.each([
    [{}, '`data` is missing'],
    [{ data: 'x', epochs: 0 }, '`epochs` 0: expected at least 1'],
    [{ data: 'x', numPositive: 1e9 }, '`numPositive` 1000000000: expected at most 1000'],
    [{ data: 'x', numNegative: 1001 }, '`numNegative` 1001: expected at most 1000'],
    [{ data: 'x', epochs: Number.NaN }, '`epochs` NaN: expected a number'],
    [{ data: 'x', loss: 'dice+tversky' }, '`loss` "dice+tversky": expected a sum such as'],
    [{ data: 'x', schedule: 'cosinus' }, '`schedule` "cosinus": expected one of "constant"|'],
    [{ data: 'x', batchsize: 3 }, 'unknown option `batchsize`'],
  ])('%j: %s', (given, message) => {
    expect(() => parseOptions(trainOptionsSchema, given)).toThrow(
      expect.objectContaining({ code: 'SAM_BAD_OPTION', message: expect.stringContaining(message) }),
    );
  });

  test('what is no plain value is shown by its kind, however large', () => {
    const large = { pixels: new Float32Array(2 ** 24), width: 4096, bytes: Buffer.from('ab') };
    const text = '`data` {"pixels":"(a Float32Array)","width":4096,"bytes":"(a Buffer)"}: expected a string';
    const started = performance.now();
    expect(() => parseOptions(trainOptionsSchema, { data: large })).toThrow(text);
    expect(performance.now() - started).toBeLessThan(1000);
    const shared = { data: new SharedArrayBuffer(8) };
    expect(() => parseOptions(trainOptionsSchema, shared)).toThrow('`data` (a SharedArrayBuffer): expected');
  });

  test('an unknown name gets the one that was meant', () => {
    expect(() => parseOptions(trainOptionsSchema, { data: 'x', batchsize: 3 })).toThrow(
      expect.objectContaining({ fix: 'did you mean `batchSize`?' }),
    );
  });
});
