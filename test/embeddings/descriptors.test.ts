import { expect, test } from 'vitest';
import { descriptorOf } from '../../lib/embeddings/descriptors.js';

/** Channel c holds c + 1 inside the picture's cells and something else in the padding. */
function embedding(columns: number, rows: number, padding: number): Float32Array {
  return Float32Array.from({ length: 256 * 64 * 64 }, (_, at) => {
    const [x, y, channel] = [at % 64, Math.floor(at / 64) % 64, Math.floor(at / 4096)];
    return x < columns && y < rows ? channel + 1 : padding * ((channel * 7) % 13);
  });
}

test('is the mean over the picture, of length 1', () => {
  const descriptor = descriptorOf(embedding(64, 64, 0), { width: 512, height: 512 });
  expect(Math.hypot(...descriptor)).toBeCloseTo(1, 6);
  expect(descriptor[99]! / descriptor[0]!).toBeCloseTo(100, 3);
});

test.each([
  ['wide', { width: 1920, height: 1080 }, 64, 36],
  ['high', { width: 100, height: 400 }, 16, 64],
  ['a line of pixels', { width: 1000, height: 1 }, 64, 1],
])('%s: padding, which all pictures share, says nothing', (_, size, columns, rows) => {
  const [clean, padded] = [0, 50].map((padding) => descriptorOf(embedding(columns, rows, padding), size));
  expect(padded).toEqual(clean);
});

test('an embedding of zeros has no direction', () => {
  expect(descriptorOf(new Float32Array(256 * 64 * 64), { width: 1, height: 1 })).toEqual(new Float32Array(256));
});
