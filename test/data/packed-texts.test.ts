import fc from 'fast-check';
import { expect, test } from 'vitest';
import { PackedTexts } from '../../lib/data/packed-texts.js';

test('texts come back as they were', () => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: 'grapheme' })), (texts) => {
      const packed = new PackedTexts(texts);
      expect(Array.from({ length: packed.length }, (_, index) => packed.at(index))).toEqual(texts);
    }),
  );
});
