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
    [{ data: 'x', epochs: Number.NaN }, '`epochs` NaN: expected a number'],
    [{ data: 'x', loss: 'dice+tversky' }, '`loss` "dice+tversky": expected a sum such as'],
    [{ data: 'x', schedule: 'cosinus' }, '`schedule` "cosinus": expected one of "constant"|'],
    [{ data: 'x', batchsize: 3 }, 'unknown option `batchsize`'],
  ])('%j: %s', (given, message) => {
    expect(() => parseOptions(trainOptionsSchema, given)).toThrow(
      expect.objectContaining({ code: 'SAM_BAD_OPTION', message: expect.stringContaining(message) }),
    );
  });

  test('an unknown name gets the one that was meant', () => {
    expect(() => parseOptions(trainOptionsSchema, { data: 'x', batchsize: 3 })).toThrow(
      expect.objectContaining({ fix: 'did you mean `batchSize`?' }),
    );
  });
});
