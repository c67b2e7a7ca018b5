/**
 * Learning rates, one for each optimisation step, as pure functions: a resumed run needs no state but the step.
 *
 * Warm-up is PyTorch's `LinearLR(start_factor=0.1, total_iters=N)`: factor `0.1 + 0.9 * min(t, N) / N` at step t. The
 * decay then runs over the steps that are left, t' = t - N of T' = T - N:
 *   constant    1
 *   linear      1 - t'/T'                        (`LinearLR(1, 0, T')`)
 *   cosine      (1 + cos(pi t'/T')) / 2          (`CosineAnnealingLR(T')`, to 0)
 *   polynomial  (1 - t'/T')^0.9                  (`PolynomialLR(T', power=0.9)`: DeepLab's "poly", arXiv:1606.00915)
 *   step        /10 at 2/3 and again at 26/27 of the steps: SAM's own schedule (60k and 86,666 of 90k iterations,
 *               arXiv:2304.02643, appendix A)
 */

/** Name of a schedule: how the rate goes on after warm-up. */
export type ScheduleName = 'constant' | 'linear' | 'cosine' | 'polynomial' | 'step';

export interface Schedule {
  readonly name: ScheduleName;
  /** Rate after warm-up. */
  readonly rate: number;
  readonly warmupSteps: number;
  /** Optimisation steps of the whole run; `constant` doesn't look at it. */
  readonly totalSteps: number;
}

const WARMUP_START = 0.1;
const POLYNOMIAL_POWER = 0.9;
const STEP_MILESTONES = [60_000 / 90_000, 86_666 / 90_000];

/** Returns the learning rate of optimisation step `step`, counted from 0. */
export function learningRate(schedule: Schedule, step: number): number {
  return schedule.rate * warmupFactor(schedule.warmupSteps, step) * decayFactor(schedule, step);
}

function warmupFactor(warmupSteps: number, step: number): number {
  if (warmupSteps === 0) return 1;
  return WARMUP_START + ((1 - WARMUP_START) * Math.min(step, warmupSteps)) / warmupSteps;
}

function decayFactor({ name, warmupSteps, totalSteps }: Schedule, step: number): number {
  const length = Math.max(1, totalSteps - warmupSteps);
  const done = Math.min(1, Math.max(0, step - warmupSteps) / length);
  switch (name) {
    case 'constant':
      return 1;
    case 'linear':
      return 1 - done;
    case 'cosine':
      return (1 + Math.cos(Math.PI * done)) / 2;
    case 'polynomial':
      return (1 - done) ** POLYNOMIAL_POWER;
    case 'step':
      return 0.1 ** STEP_MILESTONES.filter((milestone) => done >= milestone).length;
  }
}
