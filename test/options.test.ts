import { describe, expect, expectTypeOf, test } from 'vitest';
import type { LossWeights } from '../binding.js';
import { camel, closest, editDistance, kebab } from '../lib/core/suggest.js';
import { toPromptSettings } from '../lib/models/prompt-options.js';
import { LOSS_TERMS, parseLoss, parseOptions, trainOptionsSchema } from '../lib/options.js';

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

test('parseLoss: weights left out are 1, terms left out 0', () => {
  expect(parseLoss('dice+bce:0.5')).toEqual({ dice: 1, bce: 0.5, focal: 0, iou: 0, rowDiceCe: 0 });
});

test('the losses that options name are those that the addon takes', () => {
  type Camel<Name extends string> = Name extends `${infer Word}-${infer Rest}`
    ? `${Word}${Capitalize<Camel<Rest>>}`
    : Name;
  expectTypeOf<Camel<(typeof LOSS_TERMS)[number]>>().toEqualTypeOf<keyof LossWeights>();
  expect(Object.keys(parseLoss(LOSS_TERMS.join('+')))).toHaveLength(LOSS_TERMS.length);
});

describe('names', () => {
  test('the nearest one, if it is near', () => {
    expect(editDistance('kitten', 'sitting')).toBe(3);
    expect(closest('epohcs', ['epochs', 'erode'])).toBe('epochs');
    expect(closest('xyz', ['epochs', 'erode'])).toBeUndefined();
  });
  test('kebab and camel', () => {
    expect(kebab('clipGradNorm')).toBe('clip-grad-norm');
    expect(camel('clip-grad-norm')).toBe('clipGradNorm');
  });
});

test('options that leave no prompt are refused', () => {
  const none = { ...parseOptions(trainOptionsSchema, { data: 'x' }), numPositive: 0 };
  expect(() => toPromptSettings(none)).toThrow('`numPositive` 0');
  expect(toPromptSettings({ ...none, prompt: 'box' })).toMatchObject({ kind: 'box', numPositive: 0 });
  expect(toPromptSettings({ ...none, numNegative: 1 })).toMatchObject({ numNegative: 1 });
});
