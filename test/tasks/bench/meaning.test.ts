/** Hours from seconds, and what is said of a T4. */
import { describe, expect, test } from 'vitest';
import { encoderNamed } from '../../../lib/models/encoders.js';
import { ARTICLE, isT4, meaningOf } from '../../../lib/tasks/bench/meaning.js';
import { encoderWork } from '../../../lib/tasks/bench/work.js';

const seconds = { perImage: 3.6, perTrainedImage: 0.18 };
const huge = encoderWork(encoderNamed('ViT-H'));
const cpu = { name: 'AMD EPYC', precision: 'bf16' } as const;

describe('meaningOf', () => {
  test('each image is encoded once, and trained in every epoch', () => {
    const { encodingHours, trainingHours, totalHours, imagesPerSecond, timesTheArticle } = meaningOf(
      cpu,
      huge,
      seconds,
    );
    expect([encodingHours, trainingHours, totalHours]).toEqual([1, 2.5, 3.5]);
    expect(imagesPerSecond).toBeCloseTo(50_000 / (3.5 * 3600));
    expect(timesTheArticle).toBeCloseTo(12 / 3.5);
    expect(ARTICLE.imagesPerSecond).toBeCloseTo(1.16, 2);
  });

  test('away from a T4 its limit is projected: minutes, between arithmetic alone and eager attention’s traffic', () => {
    const { t4 } = meaningOf(cpu, huge, seconds);
    expect(t4?.kind).toBe('projected');
    // (5961 GFLOP x 1000 + 10.1 GFLOP x 50,000) at 65 and 8.1 TFLOP/s: 1.66 and 13.3 minutes. With every operation of eager PyTorch
    // going to memory it would be 7.1 and 24.2.
    expect(60 * t4!.limitHours.fp16).toBeGreaterThan(1.66);
    expect(60 * t4!.limitHours.fp16).toBeLessThan(7.1);
    expect(60 * t4!.limitHours.fp32).toBeGreaterThan(13.3);
    expect(60 * t4!.limitHours.fp32).toBeLessThan(24.2);
  });

  test('on a T4 the share of the limit is measured, in the precision that ran', () => {
    for (const precision of ['fp16', 'fp32'] as const) {
      const { t4 } = meaningOf({ name: 'Tesla T4', precision }, huge, seconds);
      expect(t4).toMatchObject({ kind: 'measured', share: t4!.limitHours[precision] / 3.5 });
    }
  });

  test('nothing is said of a T4 for an encoder that nobody counted', () => {
    expect(meaningOf({ name: 'Tesla T4', precision: 'fp16' }, null, seconds).t4).toBeNull();
  });
});

test.each([
  ['Tesla T4', true],
  ['NVIDIA T4', true],
  ['NVIDIA T400', false],
  ['NVIDIA T4G', false],
  ['NVIDIA H100 80GB HBM3', false],
])('%s is a T4: %s', (name, expected) => expect(isT4(name)).toBe(expected));
