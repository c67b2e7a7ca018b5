import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { PromptKind } from '../../../lib/prompts/prompt.js';
import { fewestImages, holm, verdictOf } from '../../../lib/tasks/prompt-comparison/verdict.js';

const kind = (name: PromptKind, meanIou: number, count = 20) => ({ kind: name, meanIou, count });
const named = (promptKind: PromptKind) => ({ name: promptKind, promptSource: 'ground-truth' as const, promptKind });
/** `b` minus `a`. */
const difference = (a: PromptKind, b: PromptKind, low: number, high: number, pHolm: number | null = 0.01) => ({
  a: named(a),
  b: named(b),
  meanInterval: [low, high] as const,
  pHolm,
});

describe('verdictOf', () => {
  it('takes the best where all others are worse by more than chance, in whichever order they were compared', () => {
    const kinds = [kind('points', 0.8), kind('box', 0.9), kind('points+box', 0.7)];
    const differences = [difference('points', 'box', 0.05, 0.15), difference('box', 'points+box', -0.3, -0.1)];
    expect(verdictOf('ground-truth', kinds, differences)).toEqual({ best: 'box', alike: ['box'], take: 'box' });
  });

  it('takes the least to draw of those that the images do not tell apart', () => {
    const kinds = [kind('points+box', 0.92), kind('points', 0.91), kind('box', 0.6)];
    const differences = [difference('points+box', 'points', -0.03, 0.01), difference('points+box', 'box', -0.4, -0.2)];
    expect(verdictOf('ground-truth', kinds, differences)).toEqual({
      best: 'points+box',
      alike: ['points', 'points+box'],
      take: 'points',
    });
  });

  it('takes the best of rough masks, from which nobody draws', () => {
    const kinds = [kind('points', 0.6), kind('box', 0.7)];
    expect(verdictOf('rough', kinds, [difference('points', 'box', -0.01, 0.2)])).toEqual({
      best: 'box',
      alike: ['points', 'box'],
      take: 'box',
    });
  });

  it('calls no difference more than chance that its interval alone finds', () => {
    const kinds = [kind('points', 0.39, 8), kind('box', 0.67, 8)];
    const differences = [difference('points', 'box', 0.07, 0.53, 0.078)];
    expect(verdictOf('ground-truth', kinds, differences)).toMatchObject({ take: 'points' });
  });

  it('says nothing on too few images', () => {
    const kinds = [kind('points', 0.9, fewestImages(1) - 1), kind('box', 0.5, fewestImages(1) - 1)];
    expect(verdictOf('ground-truth', kinds, [difference('points', 'box', -0.5, -0.3)])).toMatchObject({
      best: 'points',
      take: null,
    });
  });
});

describe('fewestImages', () => {
  it('is where images that all agree are enough', () => {
    expect(fewestImages(1)).toBe(6); // 2 / 64 = 0.031
    expect(fewestImages(3)).toBe(7); // 3 x 2 / 128 = 0.047
  });
});

describe('holm', () => {
  it('is that of R: p.adjust(c(0.01, 0.04, 0.03, 0.005), "holm")', () => {
    const adjusted = holm([0.01, 0.04, 0.03, 0.005]);
    [0.03, 0.06, 0.06, 0.02].forEach((p, index) => {
      expect(adjusted[index]).toBeCloseTo(p, 12);
    });
  });

  it('leaves out what has no p-value', () => {
    expect(holm([null, 0.04, null])).toEqual([null, 0.04, null]);
  });

  it('never makes a p-value smaller, keeps their order, and stays below 1', () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 1, maxLength: 8 }), (values) => {
        const adjusted = holm(values) as number[];
        adjusted.forEach((p, index) => {
          expect(p).toBeGreaterThanOrEqual(values[index]!);
          expect(p).toBeLessThanOrEqual(1);
          adjusted.forEach((other, at) => {
            if (values[index]! < values[at]!) expect(p).toBeLessThanOrEqual(other);
          });
        });
      }),
    );
  });
});
