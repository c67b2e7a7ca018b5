/**
 * `sam-native tune --prompts`: finds out which prompts to train and work with, on the data in hand. A model is trained for each kind of
 * prompt, from labels and from rough masks, and asked on the same held-out images with the kind it was trained with.
 */

import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Precision } from '../../../binding.js';
import { SamError } from '../../core/errors.js';
import { prepareFolder } from '../../core/files.js';
import type { Hooks } from '../../core/hooks.js';
import { checkHooks } from '../../core/parse-options.js';
import { type DataSplits, inReadingOrder, type Sample } from '../../data/sample.js';
import type { EnsureProgress } from '../../embeddings/embedding-store.js';
import { toPromptSettings } from '../../models/prompt-options.js';
import type { PromptKind } from '../../prompts/prompt.js';
import type { TrainEvent } from '../../runs/events.js';
import { runPaths } from '../../runs/run-folder.js';
import { resolveEntrants } from '../../scoring/entrants.js';
import { scoreRoughMasks } from '../../scoring/judge.js';
import { writePerImage } from '../../scoring/per-image.js';
import type { ModelScores, PairedDifference } from '../../scoring/results.js';
import { RoughMaskSources } from '../../scoring/rough-scores.js';
import { compare, type Scored } from '../../scoring/summaries.js';
import { LowResMasks } from '../../training/masks.js';
import { type BoxShares, boxesTellLittle, boxShares, WIDE_BOX } from '../workbench/boxes.js';
import { scoreEntrant } from '../workbench/compare.js';
import { trainOptionsOf } from '../workbench/options.js';
import { type Pace, Pacemaker, type RunHooks, relay } from '../workbench/pace.js';
import { writeRecord } from '../workbench/record.js';
import { Trial } from '../workbench/trial.js';
import { openSplits, openWorkbench, type Workbench } from '../workbench/workbench.js';
import { type Arm, type ArmSource, armsOf, folderName } from './arms.js';
import {
  type ComparisonOptions,
  comparedOf,
  type ResolvedComparisonOptions,
  resolveComparisonOptions,
} from './options.js';
import { holm, type Verdict, verdictOf } from './verdict.js';

/** Hooks of {@link comparePrompts}. */
export type ComparisonControl = Hooks<ComparisonProgress>;

/** How far {@link comparePrompts} is: encoding, the training of a model, a model that is scored. */
export type ComparisonProgress =
  | ({ stage: 'encode' } & EnsureProgress)
  | ({
      stage: 'train';
      /** Prompts that the model is trained with. */
      arm: Arm;
      /** Images trained a second. */
      samplesPerSecond: number;
    } & Pace)
  | {
      stage: 'score';
      /** Prompts that the model is trained with. */
      arm: Arm;
      /** Models scored so far. */
      done: number;
      /** Number of models. */
      of: number;
      /** Mean IoU of the model. */
      meanIou: number;
    };

/** How a model does that was trained with one kind of prompt, from one source. */
export interface ArmResult extends Arm {
  /** Folder of the run that was trained with these prompts. */
  runDir: string;
  /** Scores of the tuned model, with these prompts. */
  tuned: ModelScores;
  /** Scores of the source weights, with the same prompts. */
  untuned: ModelScores;
  /** Difference in IoU at the labels' own resolution, tuned minus untuned. */
  gain: PairedDifference;
  /** Seconds that training took. */
  seconds: number;
}

/** `pHolm`: Wilcoxon's p-value, corrected for all of one source that are looked at together. */
export type KindDifference = PairedDifference & {
  /** Holm's correction of the p-value for all the differences compared; null where there is no test. */
  pHolm: number | null;
};

/** What the comparison says of the kinds of prompts from one source. */
export interface SourceResult extends Verdict {
  /** Source that prompts are drawn from. */
  source: ArmSource;
  /** Differences in IoU at the labels' own resolution, between every two kinds, the later minus the earlier. */
  differences: KindDifference[];
}

/** Result of a comparison of prompts, as `tune --prompts --json` prints it. */
export interface PromptComparison {
  /** Results of each kind of prompt and source. */
  arms: ArmResult[];
  /** Verdict on each source. */
  sources: SourceResult[];
  /**
   * Differences of each kind, from rough masks minus from labels: what it costs that nobody draws. Empty where one source alone is
   * compared.
   */
  roughMinusLabels: PairedDifference[];
  /** Scores of the rough masks themselves; null where none are described. */
  roughMask: ModelScores | null;
  /** Shares of the picture that the boxes of the training labels cover. */
  boxes: BoxShares;
  /** Split that all were scored on: `test` where the data has a labelled one. */
  split: 'validation' | 'test';
  /** Number of images scored. */
  images: number;
  /** Number of images trained on. */
  trainImages: number;
  /** Path of the file with the scores of each image. */
  perImage: string;
  /** Path of the file with all that was found, JSON. */
  record: string;
  /** Name of the model. */
  model: string;
  /** Device that computed: `cpu` or `cuda:N`. */
  device: string;
  /** Precision that the device computed in. */
  precision: Precision;
  /** Seconds that the whole took. */
  seconds: number;
}

const comparisonPaths = (dir: string) => ({
  record: join(dir, 'prompts.json'),
  perImage: join(dir, 'per-image.csv'),
  arms: join(dir, 'arms'),
  arm: (arm: Arm) => join(dir, 'arms', folderName(arm)),
});

/**
 * Compares kinds of prompts, from labels and from rough masks: trains a model with each, scores all on the same images, and says which
 * are worth drawing.
 *
 * ```ts
 * const { sources } = await comparePrompts({ data: 'photos', epochs: 20 });
 * ```
 * @throws SamError `SAM_BAD_OPTION`: nothing to compare, or options of the search; `SAM_RUN_EXISTS`: `out`; and what `train` throws.
 */
export async function comparePrompts(
  given: ComparisonOptions,
  control: ComparisonControl = {},
): Promise<PromptComparison> {
  const started = performance.now();
  checkHooks(control);
  const options = resolveComparisonOptions(given);
  const { kinds, sources } = comparedOf(options);
  const trials = trialsOf(armsOf(kinds, sources), options);
  const { record, arms } = comparisonPaths(options.out);
  const discard = await prepareFolder(options.out, options.overwrite, {
    what: 'a comparison of prompts',
    results: [record, arms],
  });
  try {
    return await compareArms(options, trials, control, started);
  } catch (error) {
    if (trials.every(({ trial }) => trial.epochs === 0)) await discard();
    if (!control.signal?.aborted || error !== control.signal.reason) throw error;
    throw new SamError('SAM_INTERRUPTED', 'interrupted: the comparison was not finished', {
      fix: 'the same command with `overwrite` begins again, with the embeddings that are in the cache',
      cause: error,
    });
  }
}

interface ArmTrial {
  readonly arm: Arm;
  readonly trial: Trial;
}

function trialsOf(arms: readonly Arm[], options: ResolvedComparisonOptions): ArmTrial[] {
  const { lr, loss, out } = options;
  return arms.map((arm, index) => {
    const setting = { lr, loss, prompt: arm.kind };
    const place = { out: comparisonPaths(out).arm(arm), report: false };
    const run = { ...trainOptionsOf(options, setting), promptSource: arm.source, ...place };
    toPromptSettings(run); // refuses what would draw no prompt, before any work
    return { arm, trial: new Trial(index + 1, setting, run) };
  });
}

async function compareArms(
  options: ResolvedComparisonOptions,
  trials: readonly ArmTrial[],
  control: ComparisonControl,
  started: number,
): Promise<PromptComparison> {
  const { signal, onWarning, onProgress } = control;
  const withRough = trials.some(({ arm }) => arm.source === 'rough');
  // Images that one arm can't use none gets: all are compared on the same ones.
  const run = { ...trials[0]!.trial.options, promptSource: withRough ? ('rough' as const) : ('ground-truth' as const) };
  const bench = await openWorkbench(await openSplits(run, options.testSplit, control), run, {
    ...control,
    onProgress: (progress) => onProgress?.({ stage: 'encode', ...progress }),
  });
  try {
    const boxes = await boxShares(bench.splits.train, new LowResMasks(options.maskSize, options.imageSize), signal);
    if (boxesTellLittle(boxes) && trials.some(({ arm }) => arm.kind !== 'points')) onWarning?.(wideBoxes(boxes));
    const { validation, test } = bench.splits;
    const split = test === undefined ? 'validation' : 'test';
    const samples = inReadingOrder([...(test ?? validation)]);
    await forgetComparison(options.out);
    const scored = await runArms(trials, samples, bench, control);
    const { seed } = options;
    const roughMask = withRough ? await scoreRough(scored, samples, signal) : undefined;
    const rows = [...scored.flatMap(({ tuned, untuned }) => [tuned, untuned]), ...(roughMask ? [roughMask] : [])];
    const { perImage, record } = comparisonPaths(options.out);
    await writePerImage(
      perImage,
      rows.flatMap((one) => one.rows),
    );
    const result: PromptComparison = {
      arms: await Promise.all(scored.map((one) => resultOf(one, seed))),
      sources: await sourceResults(scored, seed),
      roughMinusLabels: await costs(scored, seed),
      roughMask: roughMask?.summary ?? null,
      boxes,
      split,
      images: samples.length,
      trainImages: bench.splits.train.length,
      perImage,
      record,
      model: bench.model,
      device: bench.compute.device,
      precision: bench.compute.precision,
      seconds: (performance.now() - started) / 1000,
    };
    await writeRecord(result, options);
    return result;
  } finally {
    await bench.dispose();
  }
}

/** Removes what an earlier comparison left (`--overwrite`); other files stay. */
async function forgetComparison(dir: string): Promise<void> {
  const { record, perImage, arms } = comparisonPaths(dir);
  for (const path of [record, perImage, arms]) await rm(path, { recursive: true, force: true });
}

function wideBoxes({ wide }: BoxShares): string {
  const percent = (part: number) => `${Math.round(part * 100)} %`;
  return (
    `of ${percent(wide)} of the training labels the box covers more than ${percent(WIDE_BOX)} of the picture: such boxes tell little, as those of ` +
    'rivers that cross it'
  );
}

interface ScoredArm extends ArmTrial {
  readonly tuned: Scored;
  readonly untuned: Scored;
}

async function runArms(
  trials: readonly ArmTrial[],
  samples: readonly Sample[],
  bench: Workbench<DataSplits>,
  control: ComparisonControl,
): Promise<ScoredArm[]> {
  const { signal, onProgress } = control;
  const onEpoch: RunHooks<Arm>['onEpoch'] = (arm, told) => onProgress?.({ stage: 'train', arm, ...told });
  const pace = new Pacemaker(trials.length * trials[0]!.trial.options.epochs);
  const events = relay<Arm>({ ...control, onEpoch }, pace);
  const from = bench.environment(bench.splits);
  const scored: ScoredArm[] = [];
  for (const { arm, trial } of trials) {
    const hooks = { signal, onProgress: (event: TrainEvent) => events(event, arm) };
    await trial.trainTo(trial.options.epochs, hooks, from);
    if (trial.failure !== null) {
      const message = `training with ${arm.kind} (${folderName(arm)}) failed: ${trial.failure}`;
      throw new SamError('SAM_NAN_LOSS', message, { fix: 'try a lower `lr` or set `clipGradNorm`' });
    }
    await keepBest(trial.options.out);
    const pair = await scorePair(arm, trial, samples, { ...bench, hooks: { signal, onWarning: control.onWarning } });
    scored.push({ arm, trial, ...pair });
    const { meanIou } = pair.tuned.summary;
    onProgress?.({ stage: 'score', arm, done: scored.length, of: trials.length, meanIou });
  }
  return scored;
}

/** Keeps the best model of a run, for use, and removes the half of its folder that is for going on with it. */
async function keepBest(runDir: string): Promise<void> {
  const { last, tensorboard } = runPaths(runDir);
  for (const path of [last, tensorboard]) await rm(path, { recursive: true, force: true });
}

/** Scores the untuned model and the arm's tuned one, both with the prompts of the arm's run, drawn from the arm's source. */
async function scorePair(
  arm: Arm,
  { checkpoint }: Trial,
  samples: readonly Sample[],
  context: Parameters<typeof scoreEntrant>[2],
): Promise<{ tuned: Scored; untuned: Scored }> {
  const { cacheDir, hooks } = context;
  const entrants = await resolveEntrants({ models: ['untuned', checkpoint], cacheDir, ...hooks });
  const [untuned, tuned] = entrants.filter(({ promptSource }) => promptSource === arm.source);
  return {
    untuned: await scoreEntrant(untuned!, samples, context),
    tuned: await scoreEntrant({ ...tuned!, name: folderName(arm) }, samples, context),
  };
}

async function scoreRough(
  scored: readonly ScoredArm[],
  samples: readonly Sample[],
  signal: AbortSignal | undefined,
): Promise<Scored> {
  const { prompts } = scored.find(({ arm }) => arm.source === 'rough')!.tuned.summary;
  const rough = new RoughMaskSources();
  try {
    return await scoreRoughMasks(prompts, rough, samples, { signal });
  } finally {
    await rough.dispose();
  }
}

const BY = { metric: 'iou', resolution: 'own' } as const;

/** Compares the IoU of two models. There is always a difference, since every image has an IoU. */
async function difference(a: Scored, b: Scored, seed: number): Promise<PairedDifference> {
  return (await compare(a, b, BY, seed))!;
}

async function resultOf({ arm, trial, tuned, untuned }: ScoredArm, seed: number): Promise<ArmResult> {
  return {
    ...arm,
    runDir: trial.options.out,
    tuned: tuned.summary,
    untuned: untuned.summary,
    gain: await difference(untuned, tuned, seed),
    seconds: trial.seconds,
  };
}

async function sourceResults(scored: readonly ScoredArm[], seed: number): Promise<SourceResult[]> {
  const sources = [...new Set(scored.map(({ arm }) => arm.source))];
  return Promise.all(
    sources.map(async (source) => {
      const arms = scored.filter(({ arm }) => arm.source === source);
      const differences: PairedDifference[] = [];
      for (const [index, { tuned: a }] of arms.entries())
        for (const { tuned: b } of arms.slice(index + 1)) differences.push(await difference(a, b, seed));
      const corrected = holm(differences.map(({ wilcoxon }) => wilcoxon?.pValue ?? null));
      const kinds = arms.map(({ arm: { kind }, tuned }) => ({ kind, ...tuned.summary }));
      const withP = differences.map((one, index) => ({ ...one, pHolm: corrected[index]! }));
      return { source, ...verdictOf(source, kinds, withP), differences: withP };
    }),
  );
}

async function costs(scored: readonly ScoredArm[], seed: number): Promise<PairedDifference[]> {
  const of = (kind: PromptKind, source: ArmSource) =>
    scored.find(({ arm }) => arm.kind === kind && arm.source === source)?.tuned;
  const found: PairedDifference[] = [];
  for (const kind of new Set(scored.map(({ arm }) => arm.kind))) {
    const [labels, rough] = [of(kind, 'ground-truth'), of(kind, 'rough')];
    if (labels !== undefined && rough !== undefined) found.push(await difference(labels, rough, seed));
  }
  return found;
}
