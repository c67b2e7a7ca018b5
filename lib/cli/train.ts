/** `sam-native train`: fine-tunes a model on labelled images. */
import { z } from 'zod';
import { without } from '../core/without.js';
import { type TrainOptions, trainOptionsSchema } from '../options.js';
import type { SetupEvent, TrainEvent, TrainResult } from '../runs/events.js';
import { worseThanUntuned } from '../runs/untuned.js';
import { command } from './command.js';
import { formatDuration, type ProgressTask, type Reporter } from './progress.js';

export default command({
  options: {
    ...trainOptionsSchema.shape,
    // A resumed run knows its own; for a new one `train` asks for it.
    data: trainOptionsSchema.shape.data.optional(),
    profile: z
      .string()
      .optional()
      .describe(
        'write a trace of the first 20 images encoded and the first 20 steps to this file (ui.perfetto.dev opens it)',
      ),
  },
  epilogue:
    'Examples:\n' +
    '  sam-native train --data sample:rivers --epochs 5\n' +
    '  sam-native train --data photos --config examples/config.yaml --out runs/first\n' +
    '  sam-native train --resume runs/first --epochs 40',
  async run({ given, options: { profile }, reporter, signal }): Promise<TrainResult> {
    const { train } = await import('../training/train.js');
    const show = presenter(reporter);
    return train(without(given, 'profile') as TrainOptions, { signal, onProgress: show, profile }).result;
  },
  summary,
});

export function summary(result: TrainResult): string {
  const { seconds } = result;
  const iou = result.validationIous[result.bestEpoch - 1];
  const lines = [
    `best epoch ${result.bestEpoch} of ${result.epochs}: validation loss ${fixed(result.bestLoss)}, mean IoU ${fixed(iou)}`,
    ...(result.worseThanUntuned
      ? [`${worseThanUntuned(iou, result.untunedIou)}; lower --lr, or see sam-native tune`]
      : []),
    `took ${formatDuration(seconds.total)}: encoding ${seconds.encode.toFixed(1)} s (${result.encodedImages} images), ` +
      `training ${seconds.train.toFixed(1)} s (${result.samplesPerSecond.toFixed(1)} images/s), ` +
      `validating ${seconds.validate.toFixed(1)} s`,
    result.bestCheckpoint,
  ];
  if (result.stoppedEarly) lines.unshift('stopped early: the validation loss no longer fell');
  return lines.join('\n');
}

const fixed = (value: number | undefined) => (value === undefined ? '-' : value.toFixed(4));

/** Turns events into two live bars (epochs, batches) on a terminal, and into a line for each epoch everywhere. */
export function presenter(reporter: Reporter): (event: TrainEvent) => void {
  let epochs: ProgressTask | undefined;
  let batches: ProgressTask | undefined;
  let encoding: ProgressTask | undefined;
  let untuned: ProgressTask | undefined;
  let [total, images, epochStarted] = [0, 0, Date.now()];
  return (event) => {
    switch (event.type) {
      case 'setup':
        [total, images] = [event.epochs, event.trainImages];
        reporter.say(
          `${event.model} on ${event.deviceName} (${event.device}, ${event.precision}${because(event)}): ${event.trainImages} images to ` +
            `train on, ${event.validationImages} to validate`,
        );
        break;
      case 'encode':
        epochStarted = Date.now();
        if (event.encoded === 0) break; // all was in the cache
        encoding ??= reporter.task('encoding', event.total);
        encoding.update(event.done, 'images', event.total);
        break;
      case 'step': {
        encoding?.end();
        encoding = undefined;
        epochs ??= reporter.task('epochs', total, { plain: false });
        batches ??= reporter.task('steps', event.stepsPerEpoch);
        const left = ((event.stepsPerEpoch - event.stepInEpoch) / event.stepsPerEpoch) * images;
        const later = (total - event.epoch) * images;
        const speed = event.samplesPerSecond;
        epochs.update(event.epoch - 1, `${formatDuration((left + later) / speed)} left`);
        batches.update(
          event.stepInEpoch,
          `loss ${fixed(event.loss)}  ${speed.toFixed(1)} images/s`,
          event.stepsPerEpoch,
        );
        break;
      }
      case 'validate':
        if (event.epoch === 0) {
          untuned ??= reporter.task('untuned', event.total);
          epochStarted = Date.now();
        }
        (untuned ?? batches)?.update(event.done, 'validating', event.total);
        if (event.done < event.total) break;
        untuned?.end();
        untuned = undefined;
        break;
      case 'epoch': {
        const took = formatDuration((Date.now() - epochStarted) / 1000);
        epochStarted = Date.now();
        epochs?.update(event.epoch, `IoU ${fixed(event.validationIou)}`);
        reporter.say(
          `epoch ${event.epoch}/${event.epochs}  train loss ${fixed(event.trainLoss)}  validation loss ` +
            `${fixed(event.validationLoss)}  IoU ${fixed(event.validationIou)}  ${took}${event.best ? '  best' : ''}`,
        );
        break;
      }
      case 'warning':
        reporter.warn(event.message);
        break;
      case 'note':
        reporter.say(event.message);
        break;
      case 'checkpoint':
      case 'done':
        break;
    }
  };
}

function because({ precisionReason }: SetupEvent): string {
  return precisionReason === undefined ? '' : `: ${precisionReason}`;
}
