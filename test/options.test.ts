import { describe, expect, expectTypeOf, test } from 'vitest';
import type { LossWeights } from '../binding.js';
import { parseOptions } from '../lib/core/parse-options.js';
import { camel, closest, editDistance, kebab } from '../lib/core/suggest.js';
import { toPromptSettings } from '../lib/models/prompt-options.js';
import { LOSS_TERMS, parseLoss, trainOptionsSchema } from '../lib/options.js';

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
