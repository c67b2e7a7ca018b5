import { describe, expect, test } from 'vitest';
import { boundaryScores, innerBand } from '../../lib/scoring/boundary.js';
import { bits, reference } from './reference.js';

describe('boundaryScores', () => {
  test('agree with MedPy and SciPy on random masks', async () => {
    for (const { width, height, predicted, label, boundaryIou, boundaryF1, hd95 } of reference.masks) {
      const found = await boundaryScores(bits(predicted), bits(label), width, height);
      expect(found.boundaryIou).toBeCloseTo(boundaryIou, 12);
      expect(found.boundaryF1).toBeCloseTo(boundaryF1, 12);
      expect(found.hd95).toBeCloseTo(hd95, 9);
    }
  });

  test('two empty masks agree; one empty mask has no distance', async () => {
    const [empty, full] = [new Uint8Array(12), new Uint8Array(12).fill(255)];
    expect(await boundaryScores(empty, empty, 4, 3)).toEqual({ boundaryIou: 1, boundaryF1: 1, hd95: 0 });
    const wrong = { boundaryIou: 0, boundaryF1: 0, hd95: null };
    expect(await boundaryScores(empty, full, 4, 3)).toEqual(wrong);
    expect(await boundaryScores(full, empty, 4, 3)).toEqual(wrong);
  });

  test('a square moved by three pixels', async () => {
    const square = (left: number) =>
      Uint8Array.from({ length: 100 * 100 }, (_, at) => {
        const [x, y] = [at % 100, Math.floor(at / 100)];
        return x >= left && x < left + 30 && y >= 40 && y < 70 ? 1 : 0;
      });
    const { hd95, boundaryF1 } = await boundaryScores(square(20), square(23), 100, 100);
    expect(hd95).toBe(3);
    // Within the tolerance of 1.06 pixels: not the left side and the two pixels beside it, of the right side only its ends.
    expect(boundaryF1).toBeCloseTo((116 - 32 - 26) / 116, 12);
  });
});

test('the band inside an edge is as wide as asked, along the picture too', async () => {
  const band = await innerBand(new Uint8Array(7 * 6).fill(255), 7, 6, 2);
  const rows = Array.from({ length: 6 }, (_, y) => [...band.subarray(y * 7, y * 7 + 7)].join(''));
  expect(rows).toEqual(['1111111', '1111111', '1100011', '1100011', '1111111', '1111111']);
});

test('lets other work run while it measures a big mask', async () => {
  const side = 4096;
  const disc = (radius: number) => {
    const values = new Uint8Array(side * side);
    for (let y = 0; y < side; y++) {
      const half = Math.floor(Math.sqrt(Math.max(0, radius ** 2 - (y - side / 2) ** 2)));
      values.fill(255, y * side + side / 2 - half, y * side + side / 2 + half);
    }
    return values;
  };
  const [predicted, label] = [disc(1500), disc(1510)];
  let [turns, measuring] = [0, true];
  const tick = () => {
    turns++;
    if (measuring) setImmediate(tick);
  };
  setImmediate(tick);
  const { hd95 } = await boundaryScores(predicted, label, side, side);
  measuring = false;
  expect(hd95).toBeCloseTo(10, 0);
  // Sixteen slices of each of a dozen passes.
  expect(turns).toBeGreaterThan(100);
});
