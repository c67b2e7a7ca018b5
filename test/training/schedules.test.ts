import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { learningRate, type Schedule } from '../../lib/training/schedules.js';

const rates = (schedule: Schedule, steps: number[]) => steps.map((step) => learningRate(schedule, step));

describe('learningRate', () => {
  // torch.optim.lr_scheduler.LinearLR(start_factor=0.1, total_iters=10) on lr 2e-5.
  test('warms up as LinearLR does', () => {
    const schedule: Schedule = { name: 'constant', rate: 2e-5, warmupSteps: 10, totalSteps: 100 };
    const expected = [2e-6, 3.8e-6, 1.1e-5, 1.82e-5, 2e-5, 2e-5, 2e-5];
    rates(schedule, [0, 1, 5, 9, 10, 11, 99]).forEach((rate, i) => {
      expect(rate).toBeCloseTo(expected[i]!, 12);
    });
  });

  test('decays over the steps after the warm-up', () => {
    const base = { rate: 1, warmupSteps: 10, totalSteps: 110 };
    const at = (name: Schedule['name']) => rates({ ...base, name }, [10, 35, 60, 110]);
    expect(at('constant')).toEqual([1, 1, 1, 1]);
    expect(at('linear')).toEqual([1, 0.75, 0.5, 0]);
    // CosineAnnealingLR(T_max=100): (1 + cos(pi t / 100)) / 2.
    expect(at('cosine').map((rate) => rate.toFixed(6))).toEqual(['1.000000', '0.853553', '0.500000', '0.000000']);
    // PolynomialLR(total_iters=100, power=0.9): (1 - t / 100)^0.9.
    expect(at('polynomial').map((rate) => rate.toFixed(6))).toEqual(['1.000000', '0.771890', '0.535887', '0.000000']);
  });

  test('falls to a tenth at 60,000 and a hundredth at 86,666 of 90,000 steps', () => {
    const schedule: Schedule = { name: 'step', rate: 1, warmupSteps: 0, totalSteps: 90_000 };
    const found = rates(schedule, [0, 59_999, 60_000, 86_665, 86_666, 89_999]).map((rate) => Number(rate.toFixed(6)));
    expect(found).toEqual([1, 1, 0.1, 0.1, 0.01, 0.01]);
  });

  test('stays between 0 and the rate, whatever the lengths', () => {
    const name = fc.constantFrom<Schedule['name']>('constant', 'linear', 'cosine', 'polynomial', 'step');
    const length = fc.integer({ min: 0, max: 50 });
    fc.assert(
      fc.property(name, length, length, length, (kind, warmupSteps, totalSteps, step) => {
        const rate = learningRate({ name: kind, rate: 1, warmupSteps, totalSteps }, step);
        expect(rate).toBeGreaterThanOrEqual(0);
        expect(rate).toBeLessThanOrEqual(1 + 1e-12);
      }),
    );
  });
});
