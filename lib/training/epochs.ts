/** The epochs: batches through the trainer, validation, checkpoints. Everything that lasts is in `context.state`. */
import type { StepResult, Trainer } from '../../binding.js';
import { SamError } from '../core/errors.js';
import { shuffled } from '../core/random.js';
import type { Samples } from '../data/sample.js';
import { pick } from '../data/sample-list.js';
import type { TrainEvent } from '../runs/events.js';
import type { History } from '../runs/history.js';
import { completeEpoch, isFinished, type RunState } from '../runs/run-state.js';
import { worseForLong } from '../runs/untuned.js';
import {
  type BatchSource,
  type PlannedBatch,
  type PreparedBatch,
  planBatches,
  prepareBatch,
  stepsOf,
} from './batches.js';
import { prefetched } from './prefetch.js';
import type { ReadyRun } from './run-records.js';
import { learningRate, type Schedule } from './schedules.js';

export interface EpochsContext {
  /** Run that is trained. Its `seconds` are those of this call, and grow as it goes on. */
  readonly run: Pick<ReadyRun, 'options' | 'splits' | 'compute' | 'seconds'>;
  readonly source: BatchSource;
  readonly trainer: Trainer;
  readonly schedule: Schedule;
  /** State of the run. It changes only at the end of an optimisation step or epoch, so that it can be saved at any moment between. */
  readonly state: RunState;
  readonly history: History;
  readonly counters: { trainedSamples: number };
  readonly signal: AbortSignal | undefined;
  emit(event: TrainEvent): void;
  /** Writes a checkpoint of `state`. */
  save(best: boolean): Promise<void>;
  /** Called when an epoch is complete and saved; the next one waits for it. */
  afterEpoch(): Promise<void>;
  /** Returns the path of the checkpoint written last, if there is one. */
  lastCheckpoint(): string | undefined;
}

/**
 * Measures the model as the run begins with it, for what is said of its epochs: one look at the validation images. A run of an
 * earlier version that goes on can't be measured any more.
 */
export async function measureUntuned(context: EpochsContext): Promise<void> {
  const { state } = context;
  if (state.step > 0 || state.untunedIou !== null) return;
  state.untunedIou = (await timedValidation(context, 0)).iou;
}

/** Trains until the last epoch, early stopping or an abort. An abort throws the signal's reason; `state` can then be saved. */
export async function runEpochs(context: EpochsContext): Promise<void> {
  const { state } = context;
  const { options } = context.run;
  let warned = false;
  while (!isFinished(state, options)) {
    const trained = await trainEpoch(context);
    const validation = await timedValidation(context, state.epoch + 1);
    const best = completeEpoch(state, validation);
    const line = {
      type: 'epoch' as const,
      epoch: state.epoch,
      trainLoss: state.trainLosses.at(-1)!,
      validationLoss: validation.loss,
      validationIou: validation.iou,
      best,
    };
    await context.history.append({ ...line, ...trained });
    await context.save(best);
    context.emit({ ...line, epochs: options.epochs });
    if (!warned) warned = warnIfWorse(context);
    await context.afterEpoch();
  }
}

/** Warns of a run whose epochs have been worse than the untuned model for too long; tells whether it did. */
function warnIfWorse(context: EpochsContext): boolean {
  const worse = worseForLong(context.state);
  if (worse === undefined) return false;
  const message = `${worse}; lower \`lr\` (it is ${context.run.options.lr}), or see sam-native tune`;
  context.emit({ type: 'warning', code: 'SAM_BAD_OPTION', message });
  return true;
}

/** What an optimisation step adds up from its batches. */
interface StepSums {
  lossSum: number;
  sampleCount: number;
  batches: number;
}

/** Trains the rest of the epoch in progress; returns how long it took, and its pace. */
async function trainEpoch(context: EpochsContext): Promise<{ seconds: number; samplesPerSecond: number }> {
  const { state, counters, signal } = context;
  const { options, splits, seconds } = context.run;
  const epoch = state.epoch;
  const { batchSize, accumulate } = options;
  const stepsPerEpoch = stepsOf(splits.train.length, batchSize, accumulate);
  const before = { seconds: seconds.train, samples: counters.trainedSamples };
  const pace = () => (counters.trainedSamples - before.samples) / Math.max(1e-9, seconds.train - before.seconds);
  const plan = planBatches(orderOf(context), batchSize, accumulate, state.batch);
  const batches = prefetched(plan, (batch) => prepareBatch(context.source, batch, epoch));
  const flight: Sent[] = [];
  const most = stepsInFlight(context);
  let sums: StepSums = { lossSum: 0, sampleCount: 0, batches: 0 };
  let lastSave = performance.now();
  let mark = performance.now();
  const land = async (): Promise<boolean> => {
    const sent = flight.shift()!;
    const result = await landed(context, sent, sums);
    seconds.train += (performance.now() - mark) / 1000;
    mark = performance.now();
    if (!sent.plan.update) return false;
    await completeStep(context, { sums, result, stepsPerEpoch, pace: pace() });
    sums = { lossSum: 0, sampleCount: 0, batches: 0 };
    return true;
  };
  try {
    for await (const prepared of batches) {
      flight.push(send(context, prepared, flight));
      if (flight.length < most || !(await land())) continue;
      const save = mark - lastSave >= options.saveEvery * 1000;
      // What is saved must be what `state` says: no step is under way then.
      if (save || signal?.aborted) while (flight.length > 0) await land();
      signal?.throwIfAborted();
      if (save) {
        await context.save(false);
        lastSave = performance.now();
      }
      mark = performance.now();
    }
    while (flight.length > 0) await land();
    signal?.throwIfAborted();
  } finally {
    await Promise.allSettled(flight.map(({ result }) => result));
  }
  return { seconds: seconds.train - before.seconds, samplesPerSecond: pace() };
}

/** Returns the training samples in the order of the epoch in progress. */
function orderOf({ run: { splits, options }, state }: EpochsContext): Samples {
  return pick(splits.train, shuffled(splits.train.length, options.seed, state.epoch));
}

/** A batch that the trainer has been given. */
interface Sent {
  plan: PlannedBatch;
  result: Promise<StepResult>;
}

/**
 * Most batches that the trainer has at once. On a GPU the next one waits in its queue while JavaScript takes the last one's result;
 * a step of the CPU is so long that it would only make an abort wait.
 */
function stepsInFlight({ run }: EpochsContext): number {
  return run.compute.device === 'cpu' ? 1 : 2;
}

/** Passes one batch to the trainer, behind those in flight; it may be disposed of at once. */
function send(context: EpochsContext, { batch, plan }: PreparedBatch, flight: readonly Sent[]): Sent {
  const { trainer, state, schedule, run } = context;
  const { clipGradNorm } = run.options;
  const step = state.step + flight.filter((sent) => sent.plan.update).length;
  const result = trainer.step(batch, {
    learningRate: learningRate(schedule, step),
    update: plan.update,
    scale: plan.scale,
    ...(clipGradNorm !== undefined && { clipGradNorm }),
  });
  result.catch(() => {}); // reported when its turn comes
  return { plan, result };
}

/** Takes the result of a batch, and adds its losses to the step's. */
async function landed(context: EpochsContext, sent: Sent, sums: StepSums): Promise<StepResult> {
  const { plan } = sent;
  const result = await sent.result;
  if (!Number.isFinite(result.loss)) {
    await context.history.append({ ...stepLine(context), ...outcomeOf(result), loss: result.loss });
    throw nanLoss(context, plan, wrongWith(result));
  }
  for (const loss of result.losses) sums.lossSum += loss;
  sums.sampleCount += plan.samples.length;
  sums.batches++;
  context.counters.trainedSamples += plan.samples.length;
  return result;
}

/** Says what of a step is not finite. A loss scaler that gives up has left out steps before. */
function wrongWith({ losses, skipped }: StepResult): string {
  if (skipped) return 'at every loss scale of fp16 the gradients are';
  return losses.every(Number.isFinite) ? 'the gradients are' : 'the loss is';
}

/** Makes the part of a history line that the trainer tells. */
function outcomeOf({ gradientNorm, skipped }: StepResult) {
  return { gradientNorm, ...(skipped && { skipped }) };
}

/** Makes the head of a history line for the step in progress. */
function stepLine({ state, schedule }: EpochsContext) {
  const rate = learningRate(schedule, state.step);
  return { type: 'step' as const, epoch: state.epoch + 1, step: state.step + 1, learningRate: rate };
}

async function completeStep(
  context: EpochsContext,
  step: { sums: StepSums; result: StepResult; stepsPerEpoch: number; pace: number },
): Promise<void> {
  const { state } = context;
  const { options } = context.run;
  const { sums, result, stepsPerEpoch } = step;
  const line = { ...stepLine(context), loss: sums.lossSum / sums.sampleCount, ...outcomeOf(result) };
  await context.history.append(line);
  state.step++;
  state.batch += sums.batches;
  state.lossSum += sums.lossSum;
  state.sampleCount += sums.sampleCount;
  const stepInEpoch = Math.ceil(state.batch / options.accumulate);
  context.emit({ ...line, stepInEpoch, stepsPerEpoch, samplesPerSecond: step.pace });
}

/** Validates, and adds the time that it takes to the run's. */
async function timedValidation(context: EpochsContext, epoch: number): Promise<{ loss: number; iou: number }> {
  const started = performance.now();
  const validation = await validate(context, epoch);
  context.run.seconds.validate += (performance.now() - started) / 1000;
  return validation;
}

/**
 * Returns the mean loss and IoU of the validation images, with prompts that are the same in every epoch.
 *
 * @param epoch 0: before training, where a loss that is not finite ends nothing.
 */
async function validate(context: EpochsContext, epoch: number): Promise<{ loss: number; iou: number }> {
  const { source, trainer, signal } = context;
  const { splits, options } = context.run;
  const plan = planBatches(splits.validation, options.batchSize);
  const total = splits.validation.length;
  let [loss, iou, done] = [0, 0, 0];
  for await (const { batch, plan: planned } of prefetched(plan, (b) => prepareBatch(source, b, 'validation'))) {
    signal?.throwIfAborted();
    const result = await trainer.validate(batch);
    for (const value of result.losses) loss += value;
    for (const value of result.ious) iou += value;
    if (epoch > 0 && !Number.isFinite(loss)) throw nanLoss(context, planned, 'the validation loss is');
    done += planned.samples.length;
    context.emit({ type: 'validate', epoch, done, total });
  }
  return { loss: loss / total, iou: iou / total };
}

function nanLoss(context: EpochsContext, plan: PlannedBatch, what: string): SamError {
  const images = plan.samples.map(({ name }) => name).join(', ');
  const { state } = context;
  const last = context.lastCheckpoint();
  const kept = last === undefined ? 'nothing was saved yet' : `the last good checkpoint is kept: ${last}`;
  const where = `epoch ${state.epoch + 1}, step ${state.step + 1}`;
  const wider = context.run.compute.precision === 'fp16' ? ', or use `precision` fp32' : '';
  return new SamError('SAM_NAN_LOSS', `${what} not finite in ${where}; images of the batch: ${images}`, {
    fix: `look at these images, lower \`lr\` or set \`clipGradNorm\`${wider}; ${kept}`,
  });
}
