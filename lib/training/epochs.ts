/** The epochs: batches through the trainer, validation, checkpoints. Everything that lasts is in `context.state`. */
import type { StepResult, Trainer } from '../../binding.js';
import { SamError } from '../core/errors.js';
import { shuffled } from '../core/random.js';
import type { Samples } from '../data/sample.js';
import { pick } from '../data/sample-list.js';
import type { TrainEvent } from '../runs/events.js';
import type { History } from '../runs/history.js';
import { completeEpoch, isFinished, type RunState } from '../runs/run-state.js';
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

/** Trains until the last epoch, early stopping or an abort. An abort throws the signal's reason; `state` can then be saved. */
export async function runEpochs(context: EpochsContext): Promise<void> {
  const { state } = context;
  const { options, seconds } = context.run;
  while (!isFinished(state, options)) {
    const trained = await trainEpoch(context);
    const started = performance.now();
    const validation = await validateEpoch(context);
    seconds.validate += (performance.now() - started) / 1000;
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
    await context.afterEpoch();
  }
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
  let sums: StepSums = { lossSum: 0, sampleCount: 0, batches: 0 };
  let lastSave = performance.now();
  let mark = performance.now();
  for await (const prepared of batches) {
    const result = await trainBatch(context, prepared, sums);
    seconds.train += (performance.now() - mark) / 1000;
    mark = performance.now();
    if (!prepared.plan.update) continue;
    await completeStep(context, { sums, result, stepsPerEpoch, pace: pace() });
    sums = { lossSum: 0, sampleCount: 0, batches: 0 };
    signal?.throwIfAborted();
    if (mark - lastSave >= options.saveEvery * 1000) {
      await context.save(false);
      lastSave = performance.now();
    }
    mark = performance.now();
  }
  return { seconds: seconds.train - before.seconds, samplesPerSecond: pace() };
}

/** Returns the training samples in the order of the epoch in progress. */
function orderOf({ run: { splits, options }, state }: EpochsContext): Samples {
  return pick(splits.train, shuffled(splits.train.length, options.seed, state.epoch));
}

/** Passes one batch to the trainer, and adds its losses to the step's. */
async function trainBatch(context: EpochsContext, { batch, plan }: PreparedBatch, sums: StepSums): Promise<StepResult> {
  const { trainer, state, schedule } = context;
  const { options } = context.run;
  const result = await trainer.step(batch, {
    learningRate: learningRate(schedule, state.step),
    update: plan.update,
    scale: plan.scale,
    ...(options.clipGradNorm !== undefined && { clipGradNorm: options.clipGradNorm }),
  });
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

/** Returns the mean loss and IoU of the validation images, with prompts that are the same in every epoch. */
async function validateEpoch(context: EpochsContext): Promise<{ loss: number; iou: number }> {
  const { source, trainer, state, signal } = context;
  const { splits, options } = context.run;
  const plan = planBatches(splits.validation, options.batchSize);
  const total = splits.validation.length;
  let [loss, iou, done] = [0, 0, 0];
  for await (const { batch, plan: planned } of prefetched(plan, (b) => prepareBatch(source, b, 'validation'))) {
    signal?.throwIfAborted();
    const result = await trainer.validate(batch);
    for (const value of result.losses) loss += value;
    for (const value of result.ious) iou += value;
    if (!Number.isFinite(loss)) throw nanLoss(context, planned, 'the validation loss is');
    done += planned.samples.length;
    context.emit({ type: 'validate', epoch: state.epoch + 1, done, total });
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
