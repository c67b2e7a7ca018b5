import { describe, expect, it } from 'vitest';
import type { PromptKind } from '../../lib/prompts/prompt.js';
import { sortedOut } from '../../lib/scoring/baseline.js';
import type { EvaluatedSource, PairedDifference } from '../../lib/scoring/results.js';

const entrant = (name: string, promptKind: PromptKind | null, promptSource: EvaluatedSource = 'ground-truth') => ({
  ...{ name, spec: name, promptKind, promptSource },
});
type Made = ReturnType<typeof entrant>;
const difference = (a: Made, b: Made, more: object = {}) =>
  ({ a, b, metric: 'iou', resolution: 'own', ...more }) as unknown as PairedDifference;
const pairsOf = (differences: readonly PairedDifference[]) =>
  differences.map(({ a, b }) => [a, b].map(({ name, promptKind }) => `${name} ${promptKind}`).join(' < '));

describe('the differences that are looked at first', () => {
  const [before, beforeBox] = [entrant('untuned', 'points'), entrant('untuned', 'box')];
  const [run, runBox, other] = [entrant('run', 'points'), entrant('run', 'box'), entrant('other', 'points')];

  it('are in IoU at the labels’ resolution, against the first with the same prompts or the first prompts', () => {
    const all = [
      difference(before, run),
      difference(before, run, { metric: 'f1' }),
      difference(before, run, { resolution: '256' }),
      difference(before, beforeBox),
      difference(run, other),
      difference(run, runBox),
      difference(beforeBox, runBox),
    ];
    const { first, others } = sortedOut(all, [before, beforeBox, run, runBox, other]);
    expect(pairsOf(first)).toEqual([
      'untuned points < run points',
      'untuned points < untuned box',
      'run points < run box',
      'untuned box < run box',
    ]);
    expect(first.length + others.length).toBe(all.length);
    expect(pairsOf(others).at(-1)).toBe('run points < other points');
  });

  it('are against the baseline wherever it was named', () => {
    const mask = entrant('rough-mask', null, 'rough');
    const rough = entrant('run', 'points', 'rough');
    expect(pairsOf(sortedOut([difference(before, run)], [run, before]).first)).toEqual(['untuned points < run points']);
    expect(pairsOf(sortedOut([difference(mask, rough)], [run, rough, mask]).first)).toEqual([
      'rough-mask null < run points',
    ]);
  });
});
