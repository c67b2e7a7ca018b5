/** Checkpoints: what is in their metadata, and writing `last` and `best` so that a killed run loses neither. */
import { copyFile, link } from 'node:fs/promises';
import { z } from 'zod';
import type { Trainer } from '../../binding.js';
import { SamError } from '../core/errors.js';
import { makeFileWhole } from '../core/files.js';
import { refuseNewer } from '../core/format.js';
import type { History } from './history.js';
import { FORMAT_VERSION, type RunConfig, type RunPaths } from './run-folder.js';
import { type RunState, runStateSchema } from './run-state.js';
import { readSafetensorsHeader } from './safetensors-header.js';

const json = z.unknown();

/** One for every part of a resumed run: with what it went on, and from where. */
const trainHistoryEntry = z.object({
  fromEpoch: z.number(),
  fromStep: z.number(),
  startedAt: z.string(),
  data: json,
  optimizer: json,
  rate: json,
  batch: json,
  prompts: json,
  epochs: z.number(),
  versions: json,
});

const metadataSchema = z.object({
  formatVersion: z.literal(FORMAT_VERSION),
  epoch: z.number(),
  step: z.number(),
  /** Name, rate, warm-up and length; the rate of a step follows from them (`schedules.ts`). */
  schedule: json,
  /** Every random number follows from the seed, the epoch and the image's name, so this is the whole random state. */
  random: z.object({ seed: z.number(), epoch: z.number(), batch: z.number() }),
  trainLosses: z.array(z.number()),
  validationLosses: z.array(z.number()),
  bestLoss: z.number().nullable(),
  trainHistory: z.array(trainHistoryEntry),
  loss: json,
  model: z.record(z.string(), z.unknown()),
  sourceWeights: z.string(),
  options: z.record(z.string(), z.unknown()),
  state: runStateSchema,
  historyBytes: z.number(),
});

/** What a checkpoint says besides its tensors. In the file each value is JSON text. */
export type CheckpointMetadata = z.infer<typeof metadataSchema>;
export type TrainHistoryEntry = z.infer<typeof trainHistoryEntry>;

/** Throws `SAM_NOT_FOUND`, or `SAM_BAD_CHECKPOINT` when the file isn't whole or not a checkpoint of this version. */
export async function readCheckpointMetadata(path: string): Promise<CheckpointMetadata> {
  const { metadata } = await readSafetensorsHeader(path);
  try {
    const values = Object.fromEntries(Object.entries(metadata).map(([key, text]) => [key, JSON.parse(text)]));
    refuseNewer(path, values, { known: FORMAT_VERSION, code: 'SAM_BAD_CHECKPOINT' });
    return metadataSchema.parse(values);
  } catch (error) {
    if (error instanceof SamError) throw error;
    throw new SamError('SAM_BAD_CHECKPOINT', `${path} is not a checkpoint of this version of sam-native`, {
      fix: 'name a checkpoint that train has written, or train anew',
      cause: error,
    });
  }
}

function encodeMetadata(metadata: CheckpointMetadata): Record<string, string> {
  return Object.fromEntries(Object.entries(metadata).map(([key, value]) => [key, JSON.stringify(value)]));
}

/** What of a run stays the same from checkpoint to checkpoint. */
export interface CheckpointContext {
  paths: RunPaths;
  trainer: Pick<Trainer, 'save'>;
  history: History;
  config: RunConfig;
  schedule: object;
  loss: object;
  sourceWeights: string;
  trainHistory: TrainHistoryEntry[];
}

/**
 * Saves `last`, and `best` too when this is the best epoch. `best` comes first: a run killed in between goes on from the
 * `last` before, and comes to the same `best` again.
 */
export async function saveCheckpoint(context: CheckpointContext, state: RunState, best: boolean): Promise<string> {
  const { paths, trainer, history, config } = context;
  await history.sync();
  const metadata = encodeMetadata({
    formatVersion: FORMAT_VERSION,
    epoch: state.epoch,
    step: state.step,
    schedule: context.schedule,
    random: { seed: config.options.seed, epoch: state.epoch, batch: state.batch },
    trainLosses: state.trainLosses,
    validationLosses: state.validationLosses,
    bestLoss: state.bestLoss,
    trainHistory: context.trainHistory,
    loss: context.loss,
    model: config.model,
    sourceWeights: context.sourceWeights,
    options: config.options,
    state,
    historyBytes: history.bytes,
  });
  await trainer.save(best ? paths.best : paths.last, metadata);
  if (best) await makeFileWhole(paths.last, (temporary) => duplicate(paths.best, temporary));
  return best ? paths.best : paths.last;
}

/** A second name for the same bytes (both are only ever replaced whole), or a copy where the disk has no links. */
async function duplicate(from: string, to: string): Promise<void> {
  await link(from, to).catch(() => copyFile(from, to));
}
