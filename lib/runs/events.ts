/** What a run tells while it goes on, and what it gives back in the end. */
import type { Precision } from '../../binding.js';
import type { SamErrorCode } from '../core/errors.js';

/** Once, before anything is encoded. */
export interface SetupEvent {
  type: 'setup';
  /** `cpu` or `cuda:N`, and its own name. */
  device: string;
  deviceName: string;
  precision: Precision;
  /** Why `--precision auto` chose it; not where it was asked for by name. */
  precisionReason?: string | undefined;
  model: string;
  trainImages: number;
  validationImages: number;
  epochs: number;
  /** Optimisation steps in an epoch. */
  stepsPerEpoch: number;
}

/** While embeddings are made ready, both splits. */
export interface EncodeEvent {
  type: 'encode';
  /** Images that are ready, those found in the cache included. */
  done: number;
  total: number;
  /** Of these, encoded now. */
  encoded: number;
}

/** After each optimisation step. */
export interface StepEvent {
  type: 'step';
  /** From 1. */
  epoch: number;
  /** Of the whole run, from 1. */
  step: number;
  /** Of the epoch, from 1. */
  stepInEpoch: number;
  stepsPerEpoch: number;
  /** Mean over the step's images. */
  loss: number;
  learningRate: number;
  /** Before clipping. */
  gradientNorm: number;
  /** Since the epoch (or its resumed rest) began. */
  samplesPerSecond: number;
}

/** While the validation split is gone through. */
export interface ValidateEvent {
  type: 'validate';
  epoch: number;
  /** Images. */
  done: number;
  total: number;
}

/** After each epoch's validation. */
export interface EpochEvent {
  type: 'epoch';
  /** From 1. */
  epoch: number;
  epochs: number;
  trainLoss: number;
  validationLoss: number;
  /** Mean IoU of the validation masks on the grid of the loss, 0 to 1. */
  validationIou: number;
  /** The least validation loss so far. */
  best: boolean;
}

/** A checkpoint has been written. */
export interface CheckpointEvent {
  type: 'checkpoint';
  path: string;
  /** Completed epochs and optimisation steps that it holds. */
  epoch: number;
  step: number;
  best: boolean;
}

/** Something that the run survived. */
export interface WarningEvent {
  type: 'warning';
  code: SamErrorCode;
  message: string;
}

/** Something slow has begun: a download, the encoder being built, a run being resumed. */
export interface NoteEvent {
  type: 'note';
  message: string;
}

export interface DoneEvent {
  type: 'done';
  result: TrainResult;
}

export type TrainEvent =
  | SetupEvent
  | EncodeEvent
  | StepEvent
  | ValidateEvent
  | EpochEvent
  | CheckpointEvent
  | WarningEvent
  | NoteEvent
  | DoneEvent;

/** Seconds of this call; a resumed run's earlier parts are not in it. */
export interface TrainSeconds {
  /** Reading and checking the data, finding, building and loading the model. */
  setup: number;
  /** With the encoder running, both splits; 0 when every embedding came from the cache. */
  encode: number;
  /** Optimisation steps, with waiting for their batches. */
  train: number;
  validate: number;
  total: number;
}

/** What `train --json` prints. */
export interface TrainResult {
  runDir: string;
  /** The epoch of least validation loss. */
  bestCheckpoint: string;
  lastCheckpoint: string;
  /** HTML file; null without one (`report: false`, or it could not be written). */
  report: string | null;
  /** Completed, earlier parts of a resumed run included. */
  epochs: number;
  steps: number;
  bestEpoch: number;
  bestLoss: number;
  /** Mean loss of each epoch from the first one on. */
  trainLosses: number[];
  validationLosses: number[];
  validationIous: number[];
  seconds: TrainSeconds;
  /** Trained images to a second of `seconds.train`. */
  samplesPerSecond: number;
  /** Images that the encoder ran for, in this call. */
  encodedImages: number;
  /** Images that went through an optimisation step, in this call; one counts once an epoch. */
  trainedSamples: number;
  trainImages: number;
  validationImages: number;
  /** Early stopping ended the run before its last epoch. */
  stoppedEarly: boolean;
  device: string;
  precision: Precision;
  model: string;
}
