/** Robustness: how a model's masks get worse as its prompts do, with boxes that are off, points outside the object, few points. */

import type { Counted, Hooks } from '../core/hooks.js';
import { validationRandom } from '../core/random.js';
import { toLowRes } from '../data/low-res.js';
import type { Mask, Sample } from '../data/sample.js';
import { type ResolvedPromptOptions, toPromptSettings } from '../models/prompt-options.js';
import { drawPrompt } from '../prompts/draw.js';
import type { Prompt } from '../prompts/prompt.js';
import type { Asked } from './ask.js';
import { bootstrap } from './bootstrap.js';
import type { Entrant } from './entrants.js';
import { answered, type Witness } from './judge.js';
import { confusion, type Scores, scores } from './metrics.js';
import type { Disturbance, RobustnessCurve, RobustnessStep } from './results.js';
import { mean, median } from './statistics.js';
import { belowHalf } from './summaries.js';

const JITTERS = [0, 5, 10, 20, 40];
const MISLABELLED = [0, 1, 2];
const POINTS = [1, 2, 3, 5, 10];
/** Least number of points of which some are wrong: with two wrong ones a right one must be left. */
const LEAST_POINTS = 3;

/** A step of a curve: how bad its prompts are, and the settings that draw them so. */
interface Step {
  disturbance: Disturbance;
  value: number;
  ofPoints: number | null;
  prompts: ResolvedPromptOptions;
}

function stepsFor(prompts: ResolvedPromptOptions): Step[] {
  const points = { ...prompts, prompt: 'points' as const, numNegative: 0 };
  const n = Math.max(LEAST_POINTS, prompts.numPositive);
  return [
    ...JITTERS.map((value) => {
      const box = { ...prompts, prompt: 'box' as const, perturbation: value };
      return { disturbance: 'box-jitter' as const, value, ofPoints: null, prompts: box };
    }),
    // Points outside are drawn as negative ones, and then called positive.
    ...MISLABELLED.map((value) => {
      const some = { ...points, numPositive: n - value, numNegative: value };
      return { disturbance: 'mislabelled-points' as const, value, ofPoints: n, prompts: some };
    }),
    ...POINTS.map((value) => {
      const some = { ...points, numPositive: value };
      return { disturbance: 'points' as const, value, ofPoints: null, prompts: some };
    }),
  ];
}

function drawFor({ disturbance, prompts }: Step, label: Mask, sample: Sample): Prompt {
  const grid = toLowRes(label, prompts.maskSize, prompts.imageSize);
  const prompt = drawPrompt(grid, toPromptSettings(prompts), validationRandom(prompts.seed, sample.name));
  return disturbance === 'mislabelled-points' ? { ...prompt, labels: prompt.labels.map(() => 1 as const) } : prompt;
}

/** Draws up the curves of one model, with prompts from the labels. The store has the embeddings of the samples. */
export async function robustness(
  { name, model, prompts }: Entrant,
  samples: readonly Sample[],
  from: Pick<Witness, 'store' | 'compute'>,
  hooks: Hooks<Counted>,
): Promise<RobustnessCurve[]> {
  const steps = stepsFor(prompts);
  const found = new Map(steps.map((step) => [step, [] as Scores[]]));
  const worsePrompts = function* ({ label, sample }: Asked) {
    for (const step of steps) yield { step, prompts: step.prompts, prompt: drawFor(step, label, sample) };
  };
  const witness = { ...from, model, imageSize: prompts.imageSize };
  let answers = 0;
  for await (const { question, label, predicted } of answered(samples, witness, worsePrompts, hooks)) {
    found.get(question.step)!.push(scores(await confusion(predicted.mask, label.values, label.labelled)));
    if (++answers % steps.length === 0) hooks.onProgress?.({ done: answers / steps.length, total: samples.length });
  }
  return curves(name, steps, [...found.values()], prompts.seed);
}

async function curves(
  name: string,
  steps: readonly Step[],
  found: readonly (readonly Scores[])[],
  seed: number,
): Promise<RobustnessCurve[]> {
  const all: RobustnessCurve[] = [];
  for (const [index, { disturbance, value, ofPoints }] of steps.entries()) {
    if (all.at(-1)?.disturbance !== disturbance) all.push({ name, disturbance, ofPoints, steps: [] });
    all.at(-1)!.steps.push(await summarise(value, found[index]!, seed));
  }
  return all;
}

async function summarise(value: number, found: readonly Scores[], seed: number): Promise<RobustnessStep> {
  const ious = found.map(({ iou }) => iou);
  return {
    value,
    count: found.length,
    meanIou: mean(ious),
    meanIouInterval: (await bootstrap(ious, seed)).mean,
    medianIou: median(ious),
    meanF1: mean(found.map(({ f1 }) => f1)),
    belowHalf: belowHalf(ious),
  };
}
