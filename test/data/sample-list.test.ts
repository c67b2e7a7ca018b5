import { expect, test } from 'vitest';
import type { Sample, Samples } from '../../lib/data/sample.js';
import { concatenated, filtered, firstOf, mapped, pick, SampleList, spreadPlaces } from '../../lib/data/sample-list.js';

const named = (index: number): Sample => ({ name: `${index}`, image: { path: `${index}.png` } });
const list = (length: number) => new SampleList(length, named);
const names = (samples: Samples) => {
  const given = Array.from(samples, ({ name }) => name);
  expect(given).toHaveLength(samples.length);
  expect(given.map((_, index) => samples.at(index)!.name)).toEqual(given);
  expect(samples.at(given.length)).toBeUndefined();
  return given.join(' ');
};

test('a list makes a sample when it is asked for one', () => {
  const asked: number[] = [];
  const samples = new SampleList(1e9, (index) => {
    asked.push(index);
    return named(index);
  });
  expect(samples.at(7)!.name).toBe('7');
  expect([samples.at(-1), samples.at(1e9)]).toEqual([undefined, undefined]);
  for (const { name } of mapped(pick(firstOf(samples, 5e8), [3, 2, 1]), (sample) => sample)) if (name === '2') break;
  expect(asked).toEqual([7, 3, 2]);
});

test('lists of lists, and of arrays', () => {
  for (const samples of [list(5), [...list(5)]]) {
    expect(names(pick(samples, Uint32Array.of(4, 0, 4)))).toBe('4 0 4');
    expect([names(firstOf(samples, 2)), names(firstOf(samples, 9))]).toEqual(['0 1', '0 1 2 3 4']);
    expect(firstOf(samples, undefined)).toBe(samples);
    expect(names(filtered(samples, ({ name }) => Number(name) % 2 === 0))).toBe('0 2 4');
    expect(filtered(samples, () => true)).toBe(samples);
    expect(names(concatenated(samples, [], list(2)))).toBe('0 1 2 3 4 0 1');
    expect(names(concatenated())).toBe('');
    expect(names(mapped(samples, ({ image }) => ({ name: image.path, image })))).toBe('0.png 1.png 2.png 3.png 4.png');
  }
});

test('evenly spread places', () => {
  expect(spreadPlaces(10, 3)).toEqual([1, 5, 8]);
  expect(spreadPlaces(10, 3, 0)).toEqual([0, 3, 6]);
  expect(spreadPlaces(3, 10)).toEqual([0, 1, 2]);
  expect(spreadPlaces(0, 10)).toEqual([]);
});
