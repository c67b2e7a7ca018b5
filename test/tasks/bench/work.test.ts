/** The counted arithmetic against PyTorch's own count of transformers' and MobileSAM's modules, operation by operation. */
import { describe, expect, test } from 'vitest';
import { encoderNamed, VITS } from '../../../lib/models/encoders.js';
import {
  decoderWork,
  encoderWork,
  flopsOf,
  leastSeconds,
  type Operation,
  stepWork,
} from '../../../lib/tasks/bench/work.js';

const gflop = (operations: readonly Operation[]) => flopsOf(operations) / 1e9;

describe('operations, within 1 % of what PyTorch counts', () => {
  test.each([
    ['base', 972.1],
    ['large', 2985.7],
    ['huge', 5961.1],
  ] as const)('SAM’s %s encoder', (size, counted) => {
    expect(gflop(encoderWork(VITS.find((vit) => vit.size === size))!) / counted).toBeCloseTo(1, 2);
  });

  test('MobileSAM’s encoder', () => expect(gflop(encoderWork(encoderNamed('TinyViT'))!) / 77.54).toBeCloseTo(1, 2));

  test.each([
    ['three single points, forward', () => 3 * gflop(decoderWork(1)), 10.87],
    ['a box, forward', () => gflop(decoderWork(2)), 3.62],
    ['three single points, a step', () => 3 * gflop(stepWork(1)), 30.19],
    ['a box, a step', () => gflop(stepWork(2)), 10.06],
  ])('the decoder: %s', (_, count, counted) => {
    expect(count() / counted).toBeCloseTo(1, 2);
  });
});

test('the least time is that of arithmetic or of memory, whichever is longer, for each operation', () => {
  const peak = { flopsPerSecond: 100, bytesPerSecond: 10, bytesPerNumber: 2 };
  expect(leastSeconds([{ flops: 200, numbers: 1 }], peak)).toBe(2);
  expect(leastSeconds([{ flops: 1, numbers: 15 }], peak)).toBe(3);
  const both = [
    { flops: 200, numbers: 1 },
    { flops: 1, numbers: 15 },
  ];
  expect(leastSeconds(both, peak)).toBe(5);
});
