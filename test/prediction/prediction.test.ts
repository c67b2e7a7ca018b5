/** A predicted mask in the forms that other programs take. */
import sharp from 'sharp';
import { expect, test } from 'vitest';
import { parseCounts } from '../../lib/data/sources/coco/rle.js';
import { emptyPrediction, Prediction } from '../../lib/prediction/prediction.js';

const lowResLogits = new Float32Array(256 * 256);

/** The prediction whose mask is drawn here: `#` is inside. */
function drawn(...rows: string[]): Prediction {
  const mask = Uint8Array.from([...rows.join('')].map((mark) => (mark === '#' ? 255 : 0)));
  return new Prediction({ mask, width: rows[0]!.length, height: rows.length, rawScore: 0.9, lowResLogits });
}

/** A ring with a hole, and a pixel that touches it at a corner only. */
const ring = drawn(
  '.......', //
  '.####..',
  '.#..#..',
  '.####..',
  '.....#.',
);

test('the old shape is all there, and bytes is the mask', () => {
  const { mask, width, height, score, lowResLogits: logits } = ring;
  expect([width, height, score]).toEqual([7, 5, 0.9]);
  expect(logits).toBe(lowResLogits);
  expect(ring.bytes).toBe(mask);
});

test('a score is between 0 and 1, whatever the decoder says', () => {
  const given = { mask: new Uint8Array(1), width: 1, height: 1, lowResLogits };
  expect(new Prediction({ ...given, rawScore: 1.02 })).toMatchObject({ score: 1, rawScore: 1.02 });
  expect(new Prediction({ ...given, rawScore: -0.1 })).toMatchObject({ score: 0, rawScore: -0.1 });
});

test('area and box count pixels and go around them', () => {
  expect([ring.area, ring.box]).toEqual([11, [1, 1, 6, 5]]);
  const full = drawn('##', '##');
  expect([full.area, full.box]).toEqual([4, [0, 0, 2, 2]]);
});

test('an empty mask has no box, no polygon, and one run', () => {
  const empty = emptyPrediction({ width: 3, height: 2 });
  expect([empty.area, empty.box, empty.polygons(), empty.score]).toEqual([0, null, [], 0]);
  expect(parseCounts(empty.rle().counts)).toEqual([6]);
});

test('png is the mask, in 8-bit grey', async () => {
  const { data, info } = await sharp(await ring.png())
    .toColourspace('b-w')
    .raw()
    .toBuffer({ resolveWithObject: true });
  expect([info.width, info.height, info.channels]).toEqual([7, 5, 1]);
  expect(new Uint8Array(data)).toEqual(ring.mask);
});

test("rle is COCO's: column by column, height first", () => {
  // pycocotools: encode(asfortranarray(mask))['counts']
  expect(ring.rle()).toEqual({ size: [5, 7], counts: '632NO010O0123N0' });
  expect(parseCounts(ring.rle().counts)).toEqual([6, 3, 2, 1, 1, 1, 2, 1, 1, 1, 2, 3, 5, 1, 5]);
});

test('polygons go around objects and their holes along the edges of pixels', () => {
  const found = ring.polygons();
  expect(found).toHaveLength(2);
  const [outline, dot] = [...found].sort((a, b) => b.holes.length - a.holes.length);
  expect(new Set(outline!.outer.map(String))).toEqual(new Set(['1,1', '5,1', '5,4', '1,4']));
  expect(outline!.holes.map((hole) => new Set(hole.map(String)))).toEqual([new Set(['2,2', '4,2', '4,3', '2,3'])]);
  expect(new Set(dot!.outer.map(String))).toEqual(new Set(['5,4', '6,4', '6,5', '5,5']));
});

test('polygons have fewer corners where asked', () => {
  const stairs = drawn('#.....', '##....', '###...', '####..', '#####.', '######');
  expect(stairs.polygons()[0]!.outer.length).toBe(14);
  expect(stairs.polygons({ simplify: 1 })[0]!.outer.length).toBeLessThan(6);
});

test.each<[unknown, string]>([
  [{ simplfy: 1 }, 'unknown option `simplfy`'],
  [{ simplify: -1 }, '`simplify` -1: expected at least 0'],
  [{ simplify: '1' }, '`simplify` "1": expected a number'],
  [2, 'options must be an object, not 2'],
])('polygons refuses %j', (options, message) => {
  expect(() => ring.polygons(options as { simplify: number })).toThrow(
    expect.objectContaining({ code: 'SAM_BAD_OPTION', message }),
  );
});
