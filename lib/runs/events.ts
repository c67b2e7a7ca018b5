/** What a run tells while it goes on, and what it gives back in the end. */
import type { Precision } from '../../binding.js';
import type { SamErrorCode } from '../core/errors.js';

/** The first event, before anything is encoded: what will be trained, with what, and on what. */
export interface SetupEvent {
  /** Kind of the event. */
  type: 'setup';
  /** Device: `cpu` or `cuda:N`. */
  device: string;
  /** Name that the device gives itself. */
  deviceName: string;
  /** Precision that was chosen or asked for. */
  precision: Precision;
  /** Why `--precision auto` chose this precision; undefined where it was asked for by name. */
  precisionReason?: string | undefined;
  /** Name of the model. */
  model: string;
  /** Images of the training split. */
  trainImages: number;
  /** Images of the validation split. */
  validationImages: number;
  /** Epochs asked for. */
  epochs: number;
  /** Optimisation steps in an epoch. */
  stepsPerEpoch: number;
}

/** Told while the embeddings of both splits are made ready. */
export interface EncodeEvent {
  /** Kind of the event. */
  type: 'encode';
  /** Images that are ready, those found in the cache included. */
  done: number;
  /** Images of both splits. */
  total: number;
  /** Images encoded by this run, which the cache did not have. */
  encoded: number;
}

/** Told after each optimisation step. */
export interface StepEvent {
  /** Kind of the event. */
  type: 'step';
  /** Epoch, from 1. */
  epoch: number;
  /** Step of the whole run, from 1. */
  step: number;
  /** Step of the epoch, from 1. */
  stepInEpoch: number;
  /** Optimisation steps in an epoch. */
  stepsPerEpoch: number;
  /** Mean loss over the step's images. */
  loss: number;
  /** Learning rate of this step. */
  learningRate: number;
  /** Norm of the gradient, before clipping. */
  gradientNorm: number;
  /** Set in fp16 where the gradients overflowed: the weights stayed as they were. */
  skipped?: true;
  /** Images trained on in a second, since the epoch (or its resumed rest) began. */
  samplesPerSecond: number;
}

/** Told while the validation split is gone through. */
export interface ValidateEvent {
  /** Kind of the event. */
  type: 'validate';
  /** Epoch that is validated, from 1; 0 for the model before training. */
  epoch: number;
  /** Images done. */
  done: number;
  /** Images of the validation split. */
  total: number;
}

/** Told after each epoch's validation. */
export interface EpochEvent {
  /** Kind of the event. */
  type: 'epoch';
  /** Epoch, from 1. */
  epoch: number;
  /** Epochs asked for. */
  epochs: number;
  /** Mean loss over the epoch's training images. */
  trainLoss: number;
  /** Mean loss over the validation images. */
  validationLoss: number;
  /** Mean IoU of the validation masks on the grid of the loss, 0 to 1. */
  validationIou: number;
  /** Whether the validation loss is the least so far. */
  best: boolean;
}

/** Told when a checkpoint has been written. */
export interface CheckpointEvent {
  /** Kind of the event. */
  type: 'checkpoint';
  /** File of the checkpoint. */
  path: string;
  /** Completed epochs that it holds. */
  epoch: number;
  /** Optimisation steps that it holds. */
  step: number;
  /** Whether it is of the epoch of least validation loss so far. */
  best: boolean;
}

/** Told of something that the run survived. */
export interface WarningEvent {
  /** Kind of the event. */
  type: 'warning';
  /** Code that the error would have had. */
  code: SamErrorCode;
  /** What happened, in one line. */
  message: string;
}

/** Told when something slow begins: a download, the building of an encoder, the resuming of a run. */
export interface NoteEvent {
  /** Kind of the event. */
  type: 'note';
  /** What begins, in one line. */
  message: string;
}

/** The last event of a run that ended well. */
export interface DoneEvent {
  /** Kind of the event. */
  type: 'done';
  /** What the run gives back. */
  result: TrainResult;
}

/** Anything that a run tells while it goes on, told apart by `type`. */
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

/** Wall time of one call of `train`, in seconds; the earlier parts of a resumed run are not in it. */
export interface TrainSeconds {
  /** Seconds of reading and checking the data, and of finding, building and loading the model. */
  setup: number;
  /** Seconds with the encoder running, for both splits; 0 when every embedding came from the cache. */
  encode: number;
  /** Seconds of optimisation steps, waiting for their batches included. */
  train: number;
  /** Seconds of validation. */
  validate: number;
  /** Seconds of the whole call. */
  total: number;
}

/** What training gives back in the end, as `train --json` prints it. */
export interface TrainResult {
  /** Run folder. */
  runDir: string;
  /** Checkpoint of the epoch of least validation loss. */
  bestCheckpoint: string;
  /** Checkpoint of the run's end. */
  lastCheckpoint: string;
  /** HTML report; null without one (`report: false`, or it could not be written). */
  report: string | null;
  /** Completed epochs, those of a resumed run's earlier parts included. */
  epochs: number;
  /** Optimisation steps, those of a resumed run's earlier parts included. */
  steps: number;
  /** Epoch of least validation loss, from 1. */
  bestEpoch: number;
  /** Least validation loss. */
  bestLoss: number;
  /** Mean loss of each epoch over its training images, from the first epoch on. */
  trainLosses: number[];
  /** Mean loss over the validation images after each epoch, from the first on. */
  validationLosses: number[];
  /** Mean IoU of the validation masks after each epoch, on the grid of the loss, 0 to 1. */
  validationIous: number[];
  /** The same of the model as the run began with it; null where it was not measured, as in runs of earlier versions. */
  untunedIou: number | null;
  /** Whether the best epoch has a lower mean IoU than the model that the run began with: training has made it worse. */
  worseThanUntuned: boolean;
  /** Wall time of this call. */
  seconds: TrainSeconds;
  /** Images trained on in a second of `seconds.train`. */
  samplesPerSecond: number;
  /** Images that the encoder ran for, in this call. */
  encodedImages: number;
  /** Images that went through an optimisation step, in this call; an image counts once an epoch. */
  trainedSamples: number;
  /** Images of the training split. */
  trainImages: number;
  /** Images of the validation split. */
  validationImages: number;
  /** Whether early stopping ended the run before its last epoch. */
  stoppedEarly: boolean;
  /** Device: `cpu` or `cuda:N`. */
  device: string;
  /** Precision that the run computed in. */
  precision: Precision;
  /** Name of the model. */
  model: string;
}
