import fc from 'fast-check';
import { expect, test } from 'vitest';
import { randomFor } from '../../lib/core/random.js';
import { type LowResMask, toLowRes } from '../../lib/data/low-res.js';
import type { Mask } from '../../lib/data/sample.js';
import { drawPrompt } from '../../lib/prompts/draw.js';
import { erode } from '../../lib/prompts/morphology.js';
import type { Prompt, PromptSettings } from '../../lib/prompts/prompt.js';

const settings = (changes: Partial<PromptSettings> = {}): PromptSettings => ({
  kind: 'points',
  numPositive: 3,
  numNegative: 0,
  erode: true,
  dynamicDistance: true,
  perturbation: 10,
  pointSets: 'joint',
  padTo: 0,
  ...changes,
});

/** A mask of a function of the relative position, both 0 to 1. */
const maskOf = (width: number, height: number, inside: (x: number, y: number) => boolean): Mask => ({
  width,
  height,
  values: Uint8Array.from({ length: width * height }, (_, index) =>
    inside(((index % width) + 0.5) / width, (Math.floor(index / width) + 0.5) / height) ? 1 : 0,
  ),
});

const valueAt = (mask: Mask, [x, y]: readonly [number, number]) =>
  mask.values[Math.floor(y + 0.5) * mask.width + Math.floor(x + 0.5)];

/** A point in pixels of the grid, column then row. */
const onGrid = (low: LowResMask, [x, y]: readonly [number, number]) =>
  [((x + 0.5) * low.validWidth) / low.imageWidth - 0.5, ((y + 0.5) * low.validHeight) / low.imageHeight - 0.5] as const;

const closest = (low: LowResMask, points: readonly (readonly [number, number])[]) => {
  let least = Number.POSITIVE_INFINITY;
  points.forEach((a, index) => {
    for (const b of points.slice(index + 1)) {
      const [p, q] = [onGrid(low, a), onGrid(low, b)];
      least = Math.min(least, Math.hypot(p[0] - q[0], p[1] - q[1]));
    }
  });
  return least;
};

/** Bands of every direction and width on pictures of every shape: rivers, roughly. */
const rivers = fc
  .record({
    width: fc.integer({ min: 20, max: 700 }),
    height: fc.integer({ min: 20, max: 700 }),
    slope: fc.double({ min: -2, max: 2, noNaN: true }),
    middle: fc.double({ min: 0.1, max: 0.9, noNaN: true }),
    half: fc.double({ min: 0.02, max: 0.4, noNaN: true }),
  })
  .map(({ width, height, slope, middle, half }) =>
    maskOf(width, height, (x, y) => Math.abs(x - middle - slope * (y - 0.5)) < half),
  )
  .filter((mask) => mask.values.includes(1) && mask.values.includes(0));

test('points lie on the right side of the label at full size, as far apart as the area says', () => {
  fc.assert(
    fc.property(
      rivers,
      fc.integer({ min: 0, max: 6 }),
      fc.integer({ min: 0, max: 6 }),
      fc.boolean(),
      fc.nat(),
      (mask, numPositive, numNegative, erodes, seed) => {
        const low = toLowRes(mask, 256);
        fc.pre(low.values.includes(1));
        const prompt = drawPrompt(
          low,
          settings({ numPositive, numNegative, erode: erodes }),
          randomFor(seed, 1, 'river', 0),
        );
        for (const [index, point] of prompt.points.entries()) expect(valueAt(mask, point)).toBe(prompt.labels[index]);
        const positives = prompt.points.filter((_, index) => prompt.labels[index] === 1);
        const negatives = prompt.points.filter((_, index) => prompt.labels[index] === 0);
        expect(positives.length).toBeLessThanOrEqual(numPositive);
        expect(positives.length).toBeGreaterThanOrEqual(Math.min(1, numPositive));
        expect(negatives.length).toBeLessThanOrEqual(numNegative);
        // Where the grid is finer than the picture, points are held inside by up to half a pixel of the picture.
        const slack =
          1e-6 +
          Math.max(low.validWidth / low.imageWidth, low.validHeight / low.imageHeight) *
            (Math.max(mask.width, mask.height) < 256 ? 1 : 0);
        // The area after erosion, from the plain definition.
        for (const [points, count, divisor, multiplier, value] of [
          [positives, numPositive, 35, 2.75, 1],
          [negatives, numNegative, 50, 2, 0],
        ] as const) {
          const area = picture(low).map((pixel) => (pixel === value ? 1 : 0));
          const before = sum(area);
          const rounds = erodes ? Math.floor(before ** 0.6 / divisor) : 0;
          const after = sum(erode(area, low.validWidth, low.validHeight, rounds));
          if (points.length > 1 && after > 0)
            expect(closest(low, points)).toBeGreaterThan((multiplier * Math.sqrt(after)) / count - slack);
        }
      },
    ),
    { numRuns: 120 },
  );
});

const sum = (values: Uint8Array) => values.reduce((total, value) => total + value, 0);
const picture = (low: LowResMask) =>
  low.values.filter((_, index) => index % low.size < low.validWidth && index < low.validHeight * low.size);

test('a prompt depends on its own stream only', () => {
  const low = toLowRes(
    maskOf(300, 200, (x) => x > 0.3 && x < 0.6),
    256,
  );
  const asked = settings({ kind: 'points+box', numNegative: 2 });
  const names = ['a', 'b', 'c', 'd'];
  const forwards = new Map(names.map((name) => [name, drawPrompt(low, asked, randomFor(1, 2, name, 0))]));
  const backwards = new Map(
    [...names].reverse().map((name) => [name, drawPrompt(low, asked, randomFor(1, 2, name, 0))]),
  );
  for (const name of names) expect(backwards.get(name)).toEqual(forwards.get(name));
  expect(forwards.get('a')).not.toEqual(forwards.get('b'));
  expect(drawPrompt(low, asked, randomFor(1, 3, 'a', 0))).not.toEqual(forwards.get('a'));
});

test('points are spread uniformly over the mask', () => {
  const low = toLowRes(
    maskOf(256, 256, (x) => x < 0.5),
    256,
  );
  let left = 0;
  for (let seed = 0; seed < 600; seed++) {
    const { points } = drawPrompt(low, settings({ numPositive: 1, erode: false }), randomFor(seed, 0, 'half', 0));
    if (points[0]![0] < 64) left++;
  }
  expect(Math.abs(left - 300)).toBeLessThan(60);
});

test('erosion keeps points int(A^0.6/35) pixels from the edge, but not from the border of the picture', () => {
  const low = toLowRes(
    maskOf(256, 256, (x) => x < 0.5),
    256,
  ); // A = 32768: 14 rounds
  let greatest = 0;
  let least = 256;
  for (let seed = 0; seed < 300; seed++) {
    for (const [x] of drawPrompt(low, settings(), randomFor(seed, 0, 'half', 0)).points) {
      greatest = Math.max(greatest, x);
      least = Math.min(least, x);
    }
  }
  expect(greatest).toBeGreaterThan(105);
  expect(greatest).toBeLessThanOrEqual(127 - 14);
  expect(least).toBeLessThan(8);
});

test('a river too thin for all rounds of erosion is eroded as far as something is left', () => {
  // Five columns of 256: area 1280, int(1280^0.6/35) = 2 rounds leave the middle one. Three columns: 768, 1 round.
  for (const [columns, middle] of [
    [3, 1],
    [2, 0],
  ] as const) {
    const values = new Uint8Array(256 * 256).map((_, index) =>
      index % 256 >= 100 && index % 256 < 100 + columns ? 1 : 0,
    );
    const wide = toLowRes({ values, width: 256, height: 256 }, 256);
    const { points } = drawPrompt(wide, settings(), randomFor(5, 0, 'thin', 0));
    expect(points.length).toBeGreaterThan(0);
    for (const [x] of points) expect(x).toBeGreaterThanOrEqual(100 + middle);
  }
  // A comb: each tooth a pixel wide, a large area, many rounds asked for, none possible.
  const comb = toLowRes(
    maskOf(256, 256, (x) => Math.floor(x * 256) % 2 === 0),
    256,
  );
  expect(drawPrompt(comb, settings(), randomFor(5, 0, 'comb', 0)).points).toHaveLength(3);
});

test('a tiny mask gives the points it has room for', () => {
  const values = new Uint8Array(256 * 256);
  values[77 * 256 + 33] = 1;
  const low = toLowRes({ values, width: 256, height: 256 }, 256);
  expect(drawPrompt(low, settings(), randomFor(1, 0, 'dot', 0))).toEqual({
    points: [[33, 77]],
    labels: [1],
    box: null,
  });
  values[77 * 256 + 34] = 1;
  const two = toLowRes({ values, width: 256, height: 256 }, 256);
  const loose = drawPrompt(two, settings({ dynamicDistance: false }), randomFor(1, 0, 'dot', 0));
  expect(new Set(loose.points.map(String))).toEqual(new Set(['33,77', '34,77']));
});

test('an empty mask has no positive point and no box to draw, but negatives', () => {
  const empty = toLowRes(
    maskOf(100, 80, () => false),
    256,
  );
  const random = () => randomFor(1, 0, 'empty', 0);
  const refusal = expect.objectContaining({ code: 'SAM_BAD_DATA', fix: expect.stringContaining('`onEmpty` skip') });
  expect(() => drawPrompt(empty, settings(), random())).toThrow(refusal);
  expect(() => drawPrompt(empty, settings({ kind: 'box', numPositive: 0 }), random())).toThrow(refusal);
  const negatives = drawPrompt(empty, settings({ numPositive: 0, numNegative: 2 }), random());
  expect(negatives.labels).toEqual([0, 0]);
});

test('a full mask has no negative point', () => {
  const full = toLowRes(
    maskOf(100, 80, () => true),
    256,
  );
  const prompt = drawPrompt(full, settings({ numPositive: 2, numNegative: 3 }), randomFor(1, 0, 'full', 0));
  expect(prompt.labels.every((label) => label === 1)).toBe(true);
  expect(prompt.points.length).toBeGreaterThan(0);
});

test('negatives keep clear of the positives, and one is found even where its distance would span the picture', () => {
  const low = toLowRes(
    maskOf(256, 256, (x) => x < 0.5),
    256,
  );
  for (let seed = 0; seed < 50; seed++) {
    const six = drawPrompt(low, settings({ numNegative: 6 }), randomFor(seed, 0, 'both', 0));
    const background = 32768 - 10 * 256; // int(32768^0.6/50) = 10 rounds
    const distance = (2 * Math.sqrt(background)) / 6;
    expect(six.labels.filter((label) => label === 0).length).toBeGreaterThan(1);
    expect(clearance(six)).toBeGreaterThan(distance);
    const one = drawPrompt(low, settings({ numPositive: 1, numNegative: 1 }), randomFor(seed, 0, 'both', 0));
    expect(one.labels).toEqual([1, 0]);
    expect(clearance(one)).toBeGreaterThan(80);
  }
});

const clearance = (prompt: Prompt) => {
  let least = Number.POSITIVE_INFINITY;
  prompt.points.forEach(([x, y], index) => {
    prompt.points.forEach(([otherX, otherY], other) => {
      if (prompt.labels[index] === 1 && prompt.labels[other] === 0)
        least = Math.min(least, Math.hypot(x - otherX, y - otherY));
    });
  });
  return least;
};

test('a box is the bounds of the mask, moved, inside the picture and never inside out', () => {
  fc.assert(
    fc.property(rivers, fc.double({ min: 0, max: 60, noNaN: true }), fc.nat(), (mask, perturbation, seed) => {
      const low = toLowRes(mask, 256);
      fc.pre(low.values.includes(1));
      const { box, points } = drawPrompt(low, settings({ kind: 'box', perturbation }), randomFor(seed, 0, 'box', 0));
      expect(points).toEqual([]);
      const [x0, y0, x1, y1] = box!;
      const pixel = mask.width / low.validWidth;
      expect(x0).toBeGreaterThanOrEqual(0);
      expect(y0).toBeGreaterThanOrEqual(0);
      expect(x1).toBeLessThanOrEqual(mask.width - 1);
      expect(y1).toBeLessThanOrEqual(mask.height - 1);
      expect(x1).toBeGreaterThan(x0);
      expect(y1).toBeGreaterThan(y0);
      // At least a pixel of the grid wide.
      expect(x1 - x0).toBeGreaterThan(pixel * 0.999 - 1e-6);
    }),
  );
  const low = toLowRes(
    maskOf(512, 512, (x, y) => x > 0.25 && x < 0.75 && y > 0.5 && y < 0.625),
    256,
  );
  const exact = drawPrompt(low, settings({ kind: 'box', perturbation: 0 }), randomFor(1, 0, 'box', 0)).box;
  expect(exact).toEqual([128.5, 256.5, 382.5, 318.5]);
  for (let seed = 0; seed < 100; seed++) {
    const box = drawPrompt(low, settings({ kind: 'box' }), randomFor(seed, 0, 'box', 0)).box!;
    for (const [index, side] of box.entries()) expect(Math.abs(side - exact![index]!)).toBeLessThanOrEqual(20);
  }
});

test('a box pushed over the edge of a picture that is coarser than the grid is no line', () => {
  // Six pixels of the grid to one of the picture, whose edge the outer three lie beyond: both sides came to lie on it.
  const low = toLowRes(
    maskOf(40, 40, (x) => Math.abs(x - 0.1) < 0.02),
    256,
  );
  for (let seed = 0; seed < 300; seed++) {
    const drawn = drawPrompt(low, settings({ kind: 'box', perturbation: 60 }), randomFor(seed, 0, 'box', 0));
    const [x0, y0, x1, y1] = drawn.box!;
    expect(Math.min(x1 - x0, y1 - y0)).toBeGreaterThan((40 / 256) * 0.999);
    expect([Math.min(x0, y0) >= 0, Math.max(x1, y1) <= 39]).toEqual([true, true]);
  }
});

test('a picture so flat that the grid has one row of it has boxes of all its height', () => {
  const low = toLowRes(
    maskOf(700, 2, (x) => x > 0.5),
    256,
  );
  expect(low.validHeight).toBe(1);
  const [x0, y0, x1, y1] = drawPrompt(low, settings({ kind: 'box' }), randomFor(1, 0, 'box', 0)).box!;
  expect([y0, y1]).toEqual([0, 1]);
  expect(x1).toBeGreaterThan(x0);
});

test('a mask with a column of one pixel still has a box', () => {
  const thin = toLowRes({ values: new Uint8Array(50).fill(1), width: 1, height: 50 }, 256);
  const { box } = drawPrompt(thin, settings({ kind: 'box' }), randomFor(1, 0, 'column', 0));
  expect(box![0]).toBe(0);
  expect(box![2]).toBe(0);
  expect(box![3]).toBeGreaterThan(box![1]);
});

test('a squashed picture has its prompts in its own pixels too', () => {
  const mask = maskOf(640, 160, (x, y) => x > 0.5 && y > 0.5);
  const low = toLowRes(mask, 256, 256);
  const { points } = drawPrompt(low, settings(), randomFor(3, 0, 'flat', 0));
  for (const point of points) expect(valueAt(mask, point)).toBe(1);
});

test('no point, right or wrong, and no side of a box comes from where there is no label', () => {
  const mask = maskOf(300, 200, (x, y) => Math.abs(x - 0.5) < 0.15 && y < 0.7);
  const labelled = maskOf(300, 200, (x, y) => x > 0.3 && x < 0.6 && y > 0.2).values;
  const low = toLowRes({ ...mask, values: mask.values.map((value, at) => value & labelled[at]!), labelled }, 256);
  for (let seed = 0; seed < 50; seed++) {
    for (const erode of [true, false]) {
      const random = randomFor(seed, 0, 'unlabelled', 0);
      const some = settings({ kind: 'points+box', numPositive: 4, numNegative: 6, erode, perturbation: 0 });
      const { points, labels, box } = drawPrompt(low, some, random);
      expect(labels).toContain(0);
      for (const point of points) expect(valueAt({ ...mask, values: labelled }, point)).toBe(1);
      expect(box![0]).toBeGreaterThan(0.34 * 300);
      expect(box![2]).toBeLessThan(0.6 * 300);
    }
  }
});
