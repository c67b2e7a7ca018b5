import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { native } from '../lib/addon/native.js';
import { PACKAGE_ROOT } from '../lib/core/package-root.js';
import {
  EMBEDDING_CHANNELS,
  EMBEDDING_FLOATS,
  EMBEDDING_SIDE,
  fitted,
  LOW_RES_SIDE,
  MODEL_SIDE,
} from '../lib/frame.js';

const HEADER = readFileSync(join(PACKAGE_ROOT, 'native/model/frame.h'), 'utf8');

test('the sizes are those of the C++ side', () => {
  const constants = HEADER.matchAll(/constexpr int64_t (k\w+) = (\d+);/g);
  expect(Object.fromEntries([...constants].map(([, name, value]) => [name, Number(value)]))).toEqual({
    kModelSize: MODEL_SIDE,
    kEmbeddingSize: EMBEDDING_SIDE,
    kEmbeddingDim: EMBEDDING_CHANNELS,
    kLowResSize: LOW_RES_SIDE,
  });
});

test('the addon takes embeddings of that many numbers, and no others', () => {
  native().embeddingsFrom(new Float32Array(EMBEDDING_FLOATS)).dispose();
  expect(() => native().embeddingsFrom(new Float32Array(EMBEDDING_FLOATS - 1))).toThrow();
});

test('a picture fits as resized_size of the C++ side has it', () => {
  const length = fc.integer({ min: 1, max: 20_000 });
  fc.assert(
    fc.property(length, length, (width, height) => {
      const scale = MODEL_SIDE / Math.max(width, height);
      const side = (pixels: number) => Math.max(1, Math.trunc(pixels * scale + 0.5));
      expect(fitted({ width, height }, MODEL_SIDE)).toEqual({ width: side(width), height: side(height) });
    }),
  );
});

test('a picture that was squashed fills the frame', () => {
  expect(fitted({ width: 300, height: 7 }, LOW_RES_SIDE, true)).toEqual({ width: LOW_RES_SIDE, height: LOW_RES_SIDE });
});
