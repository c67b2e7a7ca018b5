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

/** Schema of an entry for every part of a resumed run: what it went on with, and from where. */
const trainHistoryEntry = z.object({
  /** Completed epochs that the part went on from. */
  fromEpoch: z.number(),
  /** Optimisation steps that the part went on from. */
  fromStep: z.number(),
  /** Time at which the part began, ISO 8601. */
  startedAt: z.string(),
  /** Data that was trained on. */
  data: json,
  /** Optimizer and its settings. */
  optimizer: json,
  /** Learning rate and its schedule. */
  rate: json,
  /** Images in a batch, and batches in an optimisation step. */
  batch: json,
  /** How prompts were drawn. */
  prompts: json,
  /** Epochs asked for. */
  epochs: z.number(),
  /** Versions of this package, LibTorch and Node.js. */
  versions: json,
});

const metadataSchema = z.object({
  /** Number of the checkpoint's format. */
  formatVersion: z.literal(FORMAT_VERSION),
  /** Completed epochs. */
  epoch: z.number(),
  /** Optimisation steps done. */
  step: z.number(),
  /** Name, rate, warm-up and length of the schedule; the rate of a step follows from them (`schedules.ts`). */
  schedule: json,
  /** The whole random state: every random number follows from the seed, the epoch and the image's name. */
  random: z.object({
    /** Seed of the run. */
    seed: z.number(),
    /** Completed epochs. */
    epoch: z.number(),
    /** Batches done in the epoch in progress. */
    batch: z.number(),
  }),
  /** Mean loss of each completed epoch. */
  trainLosses: z.array(z.number()),
  /** Validation loss of each completed epoch. */
  validationLosses: z.array(z.number()),
  /** Least validation loss; null before the first epoch is complete. */
  bestLoss: z.number().nullable(),
  /** Parts of the run, one unless it was resumed. */
  trainHistory: z.array(trainHistoryEntry),
  /** Loss that was trained with, and its settings. */
  loss: json,
  /** Descriptor of the model: its name, where its weights came from, and their hashes. */
  model: z.record(z.string(), z.unknown()),
  /** SHA-256 of the weights that training began with. */
  sourceWeights: z.string(),
  /** Every option of `train`, defaults filled in. */
  options: z.record(z.string(), z.unknown()),
  /** Name of the rule by which measurements became 8 bits; absent where all images are photographs. */
  stretch: z.string().optional(),
  /** Where the run stands: what a resumed run goes on from. */
  state: runStateSchema,
  /** Length of `history.jsonl` at this checkpoint, bytes. */
  historyBytes: z.number(),
});

/** What a checkpoint says besides its tensors: where the run stood, its losses, options and model. In the file each value is JSON text. */
export type CheckpointMetadata = z.infer<typeof metadataSchema>;

/** A part of a resumed run: what it went on with, and from where. */
export type TrainHistoryEntry = z.infer<typeof trainHistoryEntry>;

/**
 * Reads the metadata of a checkpoint file; the tensors stay on disk.
 *
 * @throws SamError `SAM_NOT_FOUND`: no such file. `SAM_BAD_CHECKPOINT`: it is not whole, or no checkpoint of this version.
 */
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

/** Writes each value of the metadata as JSON text, as safetensors wants it. */
function encodeMetadata(metadata: CheckpointMetadata): Record<string, string> {
  return Object.fromEntries(Object.entries(metadata).map(([key, value]) => [key, JSON.stringify(value)]));
}

/** What stays the same from one checkpoint of a run to the next. */
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
 * Saves `last`, and `best` too after the best epoch so far. `best` comes first: a run killed in between goes on from the
 * `last` before, and comes to the same `best` again.
 *
 * @returns path of the file saved: of `best`, where both were.
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
    ...(config.stretch === undefined ? {} : { stretch: config.stretch }),
    state,
    historyBytes: history.bytes,
  });
  await trainer.save(best ? paths.best : paths.last, metadata);
  if (best) await makeFileWhole(paths.last, (temporary) => duplicate(paths.best, temporary));
  return best ? paths.best : paths.last;
}

/** Gives the same bytes a second name (both are only ever replaced whole), or makes a copy where the disk has no links. */
async function duplicate(from: string, to: string): Promise<void> {
  await link(from, to).catch(() => copyFile(from, to));
}
