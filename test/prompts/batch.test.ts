import { describe, expect, test } from 'vitest';
import { toPromptBatch } from '../../lib/prompts/batch.js';
import type { Prompt } from '../../lib/prompts/prompt.js';

const wide = { imageWidth: 200, imageHeight: 100 };
const small = { imageWidth: 512, imageHeight: 512 };
const points = (list: Prompt['points'], box: Prompt['box'] = null): Prompt => ({
  points: list,
  labels: list.map((_, i) => (i === 2 ? 0 : 1)),
  box,
});

test('joint points are one prompt, padded with missing points', () => {
  const batch = toPromptBatch(
    [
      [
        points([
          [10, 20],
          [100, 50],
          [0, 99],
        ]),
      ],
      [points([[256, 128]])],
    ],
    [wide, small],
    { pointSets: 'joint' },
  );
  expect(batch).toMatchObject({ images: 2, promptsPerImage: 1, pointsPerPrompt: 3 });
  expect([...batch.points!]).toEqual([
    ...[10, 20, 100, 50, 0, 99].map((v) => Math.fround(v * 5.12)),
    512,
    256,
    0,
    0,
    0,
    0,
  ]);
  expect([...batch.pointLabels!]).toEqual([1, 1, 0, 1, -100, -100]);
  expect([...batch.promptPresent!]).toEqual([1, 1]);
  expect(batch.boxes).toBeUndefined();
});

test('separate points are prompts of one point, padded with missing prompts', () => {
  const batch = toPromptBatch(
    [
      [
        points([
          [10, 20],
          [100, 50],
          [0, 99],
        ]),
      ],
      [points([[256, 128]])],
    ],
    [wide, small],
    { pointSets: 'separate' },
  );
  expect(batch).toMatchObject({ images: 2, promptsPerImage: 3, pointsPerPrompt: 1 });
  expect([...batch.points!.subarray(6)]).toEqual([512, 256, 0, 0, 0, 0]);
  expect([...batch.pointLabels!]).toEqual([1, 1, 0, 1, -100, -100]);
  expect([...batch.promptPresent!]).toEqual([1, 1, 1, 1, 0, 0]);
});

test('a box stays beside its points, and joins each of them when they are separate', () => {
  const prompts = [
    [
      points(
        [
          [10, 20],
          [100, 50],
        ],
        [0, 0, 100, 50],
      ),
    ],
  ];
  const joint = toPromptBatch(prompts, [wide], { pointSets: 'joint' });
  expect(joint).toMatchObject({ promptsPerImage: 1, pointsPerPrompt: 2 });
  expect([...joint.boxes!]).toEqual([0, 0, 512, 256]);
  const separate = toPromptBatch(prompts, [wide], { pointSets: 'separate' });
  expect(separate).toMatchObject({ promptsPerImage: 2, pointsPerPrompt: 1 });
  expect([...separate.boxes!]).toEqual([0, 0, 512, 256, 0, 0, 512, 256]);
});

test('a box alone needs no points', () => {
  const batch = toPromptBatch([[points([], [0, 0, 100, 50])]], [wide], { pointSets: 'separate' });
  expect(batch).toMatchObject({ promptsPerImage: 1, pointsPerPrompt: 0 });
  expect(batch.points).toBeUndefined();
  expect([...batch.boxes!]).toEqual([0, 0, 512, 256]);
});

test('an image without a point has one prompt of a missing point', () => {
  const batch = toPromptBatch(
    [
      [points([])],
      [
        points([
          [256, 128],
          [1, 1],
        ]),
      ],
    ],
    [wide, small],
    { pointSets: 'separate' },
  );
  expect(batch).toMatchObject({ promptsPerImage: 2, pointsPerPrompt: 1 });
  expect([...batch.pointLabels!]).toEqual([-100, -100, 1, 1]);
  expect([...batch.promptPresent!]).toEqual([1, 0, 1, 1]);
  expect(toPromptBatch([[points([])]], [wide], { pointSets: 'joint' })).toMatchObject({
    promptsPerImage: 1,
    pointsPerPrompt: 1,
  });
});

test('several prompts an image are kept apart', () => {
  const batch = toPromptBatch(
    [
      [
        points([[1, 1]]),
        points([
          [2, 2],
          [3, 3],
        ]),
      ],
      [points([[4, 4]])],
    ],
    [small, small],
    { pointSets: 'joint' },
  );
  expect(batch).toMatchObject({ promptsPerImage: 2, pointsPerPrompt: 2 });
  expect([...batch.points!]).toEqual([2, 2, 0, 0, 4, 4, 6, 6, 8, 8, 0, 0, 0, 0, 0, 0]);
  expect([...batch.promptPresent!]).toEqual([1, 1, 1, 0]);
});

test('each side is scaled to its own rounded length, and a squashed picture to the square', () => {
  // 333 x 500: int(333*1024/500 + 0.5) = 682 across.
  const tall = toPromptBatch([[points([[333, 500]])]], [{ imageWidth: 333, imageHeight: 500 }], { pointSets: 'joint' });
  expect(tall.points![0]).toBeCloseTo(682, 4);
  expect(tall.points![1]).toBeCloseTo(1024, 4);
  const squashed = toPromptBatch([[points([[333, 500]])]], [{ imageWidth: 333, imageHeight: 500, imageSize: 256 }], {
    pointSets: 'joint',
  });
  expect([...squashed.points!].map(Math.round)).toEqual([1024, 1024]);
});

test('a batch that cannot be told is refused', () => {
  expect(() => toPromptBatch([[points([])]], [], { pointSets: 'joint' })).toThrow(
    expect.objectContaining({ code: 'SAM_BAD_ARGUMENT' }),
  );
  const mixed = [[points([[1, 1]])], [points([[1, 1]], [0, 0, 5, 5])]];
  expect(() => toPromptBatch(mixed, [wide, small], { pointSets: 'joint' })).toThrow(
    expect.objectContaining({ code: 'SAM_BAD_ARGUMENT' }),
  );
});

describe("padding tokens, the article's way", () => {
  const prompts = [
    [points([[10, 20]])],
    [
      points([
        [30, 40],
        [50, 60],
      ]),
    ],
  ];

  test('a missing separate point is a prompt that exists, of one token', () => {
    const batch = toPromptBatch(prompts, [wide, wide], { pointSets: 'separate', padTo: 3 });
    expect(batch).toMatchObject({ promptsPerImage: 3, pointsPerPrompt: 1 });
    expect([...batch.pointLabels!]).toEqual([1, -10, -10, 1, 1, -10]);
    expect([...batch.promptPresent!]).toEqual([1, 1, 1, 1, 1, 1]);
    expect([...batch.points!.slice(2, 6)]).toEqual([0, 0, 0, 0]);
  });

  test('a missing joint point is a token of its prompt', () => {
    const batch = toPromptBatch(prompts, [wide, wide], { pointSets: 'joint', padTo: 3 });
    expect(batch).toMatchObject({ promptsPerImage: 1, pointsPerPrompt: 3 });
    expect([...batch.pointLabels!]).toEqual([1, -10, -10, 1, 1, -10]);
  });

  test('a box stays beside padding', () => {
    const batch = toPromptBatch([[points([], [0, 0, 100, 50])]], [wide], { pointSets: 'separate', padTo: 2 });
    expect(batch).toMatchObject({ promptsPerImage: 2, pointsPerPrompt: 1 });
    expect([...batch.pointLabels!]).toEqual([-10, -10]);
    expect([...batch.boxes!]).toEqual([0, 0, 512, 256, 0, 0, 512, 256]);
  });
});

test('masks go beside their prompts; separate points each get theirs; all or none', () => {
  const mask = (value: number) => new Float32Array(256 * 256).fill(value);
  const frame = { imageWidth: 20, imageHeight: 10 };
  const frames = [frame, frame];
  const prompts = [1, 2].map((value) => [
    {
      points: [
        [1, 1],
        [2, 2],
      ] as const,
      labels: [1, 0] as const,
      box: null,
      mask: mask(value),
    },
  ]);
  const joint = toPromptBatch(prompts, frames, { pointSets: 'joint' });
  expect([joint.masks![0], joint.masks![65536], joint.masks!.length]).toEqual([1, 2, 2 * 65536]);
  const separate = toPromptBatch(prompts, frames, { pointSets: 'separate', padTo: 3 });
  expect(Array.from({ length: 6 }, (_, slot) => separate.masks![slot * 65536])).toEqual([1, 1, 1, 2, 2, 2]);
  const none = [{ points: [[1, 1]] as const, labels: [1] as const, box: null }];
  expect(() => toPromptBatch([prompts[0]!, none], frames, { pointSets: 'joint' })).toThrow('have a mask');
  expect(toPromptBatch([none], [frame], { pointSets: 'joint' }).masks).toBeUndefined();
});
