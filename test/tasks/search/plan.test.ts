import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Axes, ranked, rungsOf, settingsToTry } from '../../../lib/tasks/search/plan.js';
import type { Setting } from '../../../lib/tasks/workbench/options.js';

const given: Setting = { lr: 2e-5, loss: 'dice:1+bce:1+iou:5', prompt: 'points' };
const axes: Axes = { lrs: [1e-5, 1e-4], losses: ['dice+bce', 'focal'], prompts: ['points', 'box'] };

describe('the settings to try', () => {
  test('are those given, then every other combination in the order of the axes', () => {
    const settings = settingsToTry(axes, given, { most: 100, seed: 1 });
    expect(settings[0]).toEqual(given);
    expect(settings).toHaveLength(9);
    expect(settings[1]).toEqual({ lr: 1e-5, loss: 'dice+bce', prompt: 'points' });
    expect(settings.at(-1)).toEqual({ lr: 1e-4, loss: 'focal', prompt: 'box' });
  });

  test('hold none twice, however it is written', () => {
    const twice: Axes = { lrs: [2e-5, 0.00002], losses: ['iou:5+bce+dice', 'bce'], prompts: ['points', 'points'] };
    const settings = settingsToTry(twice, given, { most: 100, seed: 1 });
    expect(settings).toEqual([given, { lr: 2e-5, loss: 'bce', prompt: 'points' }]);
  });

  test('are drawn by the seed where there are more than asked for', () => {
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 12 }), fc.nat(1000), (most, seed) => {
        const all = settingsToTry(axes, given, { most: 100, seed });
        const some = settingsToTry(axes, given, { most, seed });
        expect(some).toHaveLength(Math.min(most, all.length));
        expect(some[0]).toEqual(given);
        expect(all.filter((setting) => some.includes(setting) || some.some((one) => same(one, setting)))).toEqual(some);
        expect(settingsToTry(axes, given, { most, seed })).toEqual(some);
      }),
    );
    const drawn = [1, 2, 3, 4].map((seed) => JSON.stringify(settingsToTry(axes, given, { most: 3, seed })));
    expect(new Set(drawn).size).toBeGreaterThan(1);
  });
});

const same = (a: Setting, b: Setting) => JSON.stringify(a) === JSON.stringify(b);

describe('rungs', () => {
  test.each([
    [
      9,
      { epochs: 10, minEpochs: 3, eta: 3 },
      [
        [4, 9],
        [10, 3],
      ],
    ],
    [
      12,
      { epochs: 50, minEpochs: 3, eta: 3 },
      [
        [6, 12],
        [17, 4],
        [50, 1],
      ],
    ],
    [12, { epochs: 2, minEpochs: 3, eta: 3 }, [[2, 12]]],
    [2, { epochs: 50, minEpochs: 1, eta: 3 }, [[50, 2]]],
    [
      16,
      { epochs: 8, minEpochs: 1, eta: 2 },
      [
        [1, 16],
        [2, 8],
        [4, 4],
        [8, 2],
      ],
    ],
  ])('of %i trials with %j', (trials, options, expected) => {
    expect(rungsOf(trials, options).map((rung) => [rung.epochs, rung.trials])).toEqual(expected);
  });

  test('have more epochs and fewer trials each, and end with all epochs', () => {
    const number = (max: number) => fc.integer({ min: 1, max });
    fc.assert(
      fc.property(
        number(200),
        number(500),
        number(50),
        fc.integer({ min: 2, max: 6 }),
        (trials, epochs, minEpochs, eta) => {
          const rungs = rungsOf(trials, { epochs, minEpochs, eta });
          expect(rungs[0]!.trials).toBe(trials);
          expect(rungs.at(-1)!.epochs).toBe(epochs);
          for (const [index, rung] of rungs.entries()) {
            expect(rung.trials).toBeGreaterThanOrEqual(1);
            expect(rung.epochs).toBeGreaterThanOrEqual(Math.min(minEpochs, epochs));
            const next = rungs[index + 1];
            if (next === undefined) continue;
            expect(next.trials).toBeLessThan(rung.trials);
            expect(next.epochs).toBeGreaterThan(rung.epochs);
          }
          const trained = rungs.reduce(
            (sum, rung, at) => sum + rung.trials * (rung.epochs - (rungs[at - 1]?.epochs ?? 0)),
            0,
          );
          expect(trained).toBeLessThanOrEqual(trials * epochs);
        },
      ),
    );
  });
});

describe('the order', () => {
  test('goes by how far a trial came, then by its IoU, then by who was first; failures are last', () => {
    const standings = [
      { number: 1, rung: 1, iou: 0.7 },
      { number: 2, rung: 0, iou: 0.99 },
      { number: 3, rung: 2, iou: null },
      { number: 4, rung: 1, iou: 0.7 },
      { number: 5, rung: 1, iou: 0.8 },
      { number: 6, rung: 0, iou: 0 },
    ];
    expect(ranked(standings).map(({ number }) => number)).toEqual([5, 1, 4, 2, 6, 3]);
  });

  test('does not depend on the order given', () => {
    const standing = fc.record({
      rung: fc.nat(2),
      iou: fc.option(fc.constantFrom(0, 0.5, 0.5, 0.9), { nil: null }),
    });
    fc.assert(
      fc.property(fc.array(standing, { maxLength: 12 }), fc.nat(), (drawn, turn) => {
        const standings = drawn.map((one, index) => ({ number: index + 1, ...one }));
        const turned = standings.map((_, index) => standings[(index + turn) % standings.length]!);
        expect(ranked(turned)).toEqual(ranked(standings));
      }),
    );
  });
});
