import { describe, expect, it } from 'vitest';
import { agreementOf, consensus, iouOf } from '../../../lib/tasks/audit/disagreement.js';

const masks = [
  [0, 0, 255, 255, 0],
  [0, 255, 255, 255, 0],
  [0, 255, 0, 255, 255],
].map((values) => Uint8Array.from(values));

describe('the vote of several masks', () => {
  it('is what more than half of them say', () => {
    expect([...consensus(masks)]).toEqual([0, 255, 255, 255, 0]);
    expect([...consensus(masks.slice(1))]).toEqual([0, 255, 0, 255, 0]); // of two, both
  });

  it('of one mask is that mask', () => {
    expect(consensus(masks.slice(0, 1))).toBe(masks[0]);
  });

  it('is compared with labels of ones and with masks of 255 alike', async () => {
    expect(await iouOf(consensus(masks), Uint8Array.of(0, 1, 1, 0, 0))).toBeCloseTo(2 / 3);
    expect(await agreementOf(masks, consensus(masks))).toBeCloseTo((2 / 3 + 1 + 2 / 4) / 3);
  });
});
