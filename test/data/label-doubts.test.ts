import { expect, test } from 'vitest';
import { emptyLabel, LabelDoubts } from '../../lib/data/label-doubts.js';
import { maskArea, toLowRes, touchedCells } from '../../lib/data/low-res.js';
import type { Mask } from '../../lib/data/sample.js';

const maskOf = (width: number, height: number, inside: (x: number, y: number) => boolean): Mask => ({
  width,
  height,
  values: Uint8Array.from({ length: width * height }, (_, at) => (inside(at % width, Math.floor(at / width)) ? 1 : 0)),
});
const sample = (name: string) => ({ name, image: { path: `${name}.jpg` }, mask: { path: `${name}.png` } });
const some = maskOf(64, 48, (x) => x < 20);

async function told(labels: Record<string, Mask>): Promise<string[]> {
  const doubts = new LabelDoubts({ maskSize: 256 });
  for (const [name, label] of Object.entries(labels)) await doubts.see(sample(name), label);
  const lines: string[] = [];
  doubts.settle({ onWarning: (line) => lines.push(line) });
  return lines;
}

test('each kind of doubt is one line, which names one label and counts the others', async () => {
  const lines = await told({
    a: { ...some, doubts: ['between'] },
    b: some,
    c: { ...some, doubts: ['void', 'between'] },
    d: { ...some, doubts: ['between'] },
  });
  expect(lines).toEqual([
    expect.stringMatching(
      /^mask a\.png, and 2 more of 4, has values between two ends, .*: inside is what lies above half; save/,
    ),
    expect.stringMatching(
      /^mask c\.png has .* such as 255, -1 or the colour of Pascal VOC's borders: it is inside, .*`class`.*gdal_translate -a_nodata 255/,
    ),
  ]);
});

test('labels that nothing speaks against say nothing', async () => {
  expect(await told({ a: some, b: some })).toEqual([]);
  expect(await told({})).toEqual([]);
});

test('labels that all cover their pictures are told; one among others may be meant so', async () => {
  const whole = maskOf(64, 48, (x, y) => x + y > 3);
  expect(await told({ a: whole, b: whole })).toEqual([
    expect.stringMatching(/^every label \(2; a\.png is one\) covers nearly all of its picture: .*`class`$/),
  ]);
  expect(await told({ a: whole })).toEqual([expect.stringMatching(/^the only label, a\.png, covers nearly all/)]);
  expect(await told({ a: whole, b: some })).toEqual([]);
});

test('what has a label counts, where not all of a picture has', async () => {
  const { values } = some;
  expect(await told({ a: { ...some, labelled: values } })).toEqual([expect.stringMatching(/^the only label/)]);
});

test('of thin objects it is told how much the grid keeps, in numbers of the worst', async () => {
  const line = maskOf(1600, 1200, (x, y) => y === 300 + Math.floor(x / 3));
  const wider = maskOf(1600, 1200, (x, y) => Math.abs(y - 400 - Math.floor(x / 5)) <= 1);
  const grid = toLowRes(line, 256);
  const cells = new Set<string>();
  line.values.forEach((value, at) => {
    if (value) cells.add(`${Math.floor((at % 1600) / 6.25)} ${Math.floor(Math.floor(at / 1600) / 6.25)}`);
  });
  expect(await touchedCells(line, grid)).toBe(cells.size);
  const [kept, touched] = [maskArea(grid), cells.size];
  expect(kept / touched).toBeLessThan(0.3);
  const [said, ...rest] = await told({ wider, line, some });
  expect(rest).toEqual([]);
  expect(said).toContain(
    `of line.png it keeps ${kept} of the ${touched} that the object touches (256 x 192), and 1 more of 3`,
  );
  expect(said).toMatch(/cut the pictures into smaller ones$/);
});

test('an object that is lost is not called empty, and its remedy is none of thresholds', async () => {
  const line = maskOf(1600, 1200, (_, y) => y === 601);
  const found = await emptyLabel(sample('a'), line, toLowRes(line, 256));
  expect(found.message).toBe(
    "a.png: its object, 1600 pixels of 1600 x 1200, is lost on the decoder's grid of 256 x 192: it touches 256 of the grid's pixels, and the middle of none",
  );
  expect(found.remedy).toMatch(/smaller/);
  expect(await told({ line })).toEqual([]); // said as an error, or where it is left out
  const nothing = maskOf(16, 12, () => false);
  expect(await emptyLabel(sample('a'), nothing, toLowRes(nothing, 256))).toEqual({
    message: 'a.png: the mask is empty',
    empty: true,
  });
  const unlabelled = { ...nothing, labelled: nothing.values };
  expect((await emptyLabel(sample('a'), unlabelled, toLowRes(unlabelled, 256))).message).toBe(
    'a.png: no pixel has a label',
  );
});
