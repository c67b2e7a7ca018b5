import fc from 'fast-check';
import { expect, test } from 'vitest';
import { cropped } from '../../lib/raster/windows.js';

test('a window holds the pixels of its place, of the same kind as the picture, and is a copy', () => {
  const kinds = fc.constantFrom(Uint8Array, Uint16Array, Float32Array);
  fc.assert(
    fc.property(
      kinds,
      fc.integer({ min: 1, max: 3 }),
      fc.nat(5),
      fc.nat(5),
      fc.nat(4),
      (Kind, channels, x, y, more) => {
        const [width, height] = [x + more + 1, y + more + 2];
        const values = new Kind(width * height * channels);
        values.forEach((_, at) => {
          values[at] = at % 251;
        });
        const before = values.slice();
        const part = cropped(values, width, { x, y, width: more + 1, height: 2 }, channels);
        expect(part).toBeInstanceOf(Kind);
        const at = (row: number, column: number) => ((y + row) * width + x + column) * channels + channels - 1;
        expect(part.length).toBe((more + 1) * 2 * channels);
        expect(part[part.length - 1]).toBe(values[at(1, more)]);
        expect(part[channels - 1]).toBe(values[at(0, 0)]);
        part.fill(7);
        expect(values).toEqual(before);
      },
    ),
  );
});
