import { Writable } from 'node:stream';
import { describe, expect, test, vi } from 'vitest';
import { createReporter, formatDuration } from '../../lib/cli/progress.js';
import { presenter, summary } from '../../lib/cli/train.js';
import type { TrainEvent, TrainResult } from '../../lib/runs/events.js';

/** Something that looks like stderr. */
function stream(isTTY: boolean) {
  let text = '';
  const writable = new Writable({
    write(chunk, _encoding, done) {
      text += chunk;
      done();
    },
  });
  const properties = { isTTY, columns: 100, hasColors: () => isTTY, cursorTo() {}, moveCursor() {}, clearLine() {} };
  return { stream: Object.assign(writable, properties) as unknown as NodeJS.WriteStream, text: () => text };
}

const setup: TrainEvent = {
  type: 'setup',
  device: 'cpu',
  deviceName: 'CPU',
  precision: 'fp32',
  model: 'mobile-sam',
  trainImages: 8,
  validationImages: 2,
  epochs: 2,
  stepsPerEpoch: 2,
};
const step: TrainEvent = {
  type: 'step',
  epoch: 1,
  step: 1,
  stepInEpoch: 1,
  stepsPerEpoch: 2,
  loss: 0.51234,
  learningRate: 1e-5,
  gradientNorm: 1,
  samplesPerSecond: 4,
};
const epoch: TrainEvent = {
  type: 'epoch',
  epoch: 1,
  epochs: 2,
  trainLoss: 0.5,
  validationLoss: 0.4,
  validationIou: 0.8,
  best: true,
};

describe('progress of a run', () => {
  test('is plain lines where there is no terminal: no colours, no cursor, one for an epoch', () => {
    const { stream: stderr, text } = stream(false);
    const reporter = createReporter(stderr);
    const show = presenter(reporter);
    for (const event of [setup, step, epoch]) show(event);
    show({ type: 'warning', code: 'SAM_IO', message: 'look' });
    reporter.stop();
    expect(text().split('\n')).toEqual([
      'mobile-sam on CPU (cpu, fp32): 8 images to train on, 2 to validate',
      'epoch 1/2  train loss 0.5000  validation loss 0.4000  IoU 0.8000  0:00  best',
      'warning: look',
      '',
    ]);
  });

  test('is two bars on a terminal, with loss, images a second and time left', async () => {
    const { CI } = process.env;
    delete process.env.CI;
    try {
      const { stream: stderr, text } = stream(true);
      const reporter = createReporter(stderr);
      expect(reporter.live).toBe(true);
      const show = presenter(reporter);
      for (const event of [setup, step]) show(event);
      await vi.waitFor(() => expect(text()).toContain('epochs'));
      show(epoch);
      reporter.stop();
      expect(text()).toContain('epoch 1/2  train loss'); // said last, and not lost with the bars
      expect(text()).toContain('steps');
      expect(text()).toContain('loss 0.5123  4.0 images/s');
      expect(text()).toContain('0:03 left'); // 4 images of this epoch and 8 of the next, 4 a second
    } finally {
      if (CI !== undefined) process.env.CI = CI;
    }
  });

  test('the summary ends with the checkpoint', () => {
    const seconds = { setup: 1, encode: 2, train: 3, validate: 1, total: 65 };
    const result = { bestEpoch: 1, epochs: 2, bestLoss: 0.4, validationIous: [0.8, 0.7], seconds } as TrainResult;
    const text = summary({
      ...result,
      samplesPerSecond: 4,
      encodedImages: 3,
      stoppedEarly: true,
      bestCheckpoint: '/run/best',
    });
    expect(text).toContain('best epoch 1 of 2: validation loss 0.4000, mean IoU 0.8000');
    expect(text).toContain('took 1:05');
    expect(text).toContain('stopped early');
    expect(text.split('\n').at(-1)).toBe('/run/best');
  });

  test('the summary says when the best epoch is worse than untuned', () => {
    const seconds = { setup: 1, encode: 2, train: 3, validate: 1, total: 65 };
    const result = { bestEpoch: 1, epochs: 2, bestLoss: 0.4, validationIous: [0.058, 0], seconds, untunedIou: 0.774 };
    const rest = { samplesPerSecond: 4, encodedImages: 3, stoppedEarly: false, bestCheckpoint: '/run/best' };
    const told = (more: Partial<TrainResult>) => summary({ ...result, ...rest, ...more } as TrainResult).split('\n');
    expect(told({ worseThanUntuned: true }).slice(0, 2)).toEqual([
      'best epoch 1 of 2: validation loss 0.4000, mean IoU 0.0580',
      'worse than untuned: mean IoU 0.0580, untuned 0.7740 (0.7160 less); lower --lr, or see sam-native tune',
    ]);
    const fine = told({ untunedIou: 0.05, worseThanUntuned: false });
    expect(fine[1]).toMatch(/^took 1:05/);
  });

  test('the untuned model is looked at under a bar of its own', () => {
    const { stream: stderr, text } = stream(false);
    vi.useFakeTimers({ toFake: ['Date'] });
    try {
      const show = presenter(createReporter(stderr));
      show(setup);
      show({ type: 'validate', epoch: 0, done: 1, total: 900 });
      vi.advanceTimersByTime(6000);
      show({ type: 'validate', epoch: 0, done: 400, total: 900 });
    } finally {
      vi.useRealTimers();
    }
    expect(text()).toContain('untuned 400/900  validating');
  });

  test('durations', () => {
    expect([0.4, 95, 4000, -1].map(formatDuration)).toEqual(['0:00', '1:35', '1:06:40', '0:00']);
  });
});
