import { describe, expect, it } from 'vitest';
import { checkPrompt, parseBox, parsePoint } from '../../lib/prediction/user-prompt.js';

describe('parsePoint and parseBox', () => {
  it('read what the command line takes', () => {
    expect(parsePoint('120,80,0')).toEqual({ point: [120, 80], label: 0 });
    expect(parsePoint('12.5,8')).toEqual({ point: [12.5, 8], label: 1 });
    expect(parseBox('1,2,30,40')).toEqual([1, 2, 30, 40]);
  });

  it.each(['', '1', '1,2,3', '1,2,1,0', 'a,b,1', '1,,1', '1,2,Infinity'])('point %j is refused', (text) => {
    expect(() => parsePoint(text)).toThrow(expect.objectContaining({ code: 'SAM_BAD_OPTION', exitCode: 2 }));
  });

  it.each(['1,2,3', '1,2,3,4,5', '1,2,3,x'])('box %j is refused', (text) => {
    expect(() => parseBox(text)).toThrow(expect.objectContaining({ code: 'SAM_BAD_OPTION' }));
  });
});

describe('checkPrompt', () => {
  const check = (given: Parameters<typeof checkPrompt>[0]) => checkPrompt(given, 100, 50, 'a.jpg');

  it('fills in positive labels', () => {
    expect(
      check({
        points: [
          [1, 2],
          [100, 50],
        ],
      }),
    ).toEqual({
      points: [
        [1, 2],
        [100, 50],
      ],
      labels: [1, 1],
      box: null,
    });
  });

  it.each([
    ['nothing', {}, 'no prompt for a.jpg'],
    ['a point outside', { points: [[101, 2]] }, 'point 101,2 lies outside a.jpg, which is 100 x 50 pixels'],
    ['x and y changed about', { points: [[40, 90]] }, 'point 40,90 lies outside'],
    ['not a number', { points: [[Number.NaN, 1]] }, 'lies outside'],
    ['a box outside', { box: [0, 0, 10, 51] }, 'box 0,0,10,51 lies outside'],
    ['a box inside out', { box: [20, 0, 10, 40] }, 'has no area'],
    [
      'too few labels',
      {
        points: [
          [1, 1],
          [2, 2],
        ],
        labels: [1],
      },
      '2 points with 1 labels',
    ],
  ] as const)('%s is refused', (_, given, message) => {
    expect(() => check(given)).toThrow(message);
    expect(() => check(given)).toThrow(expect.objectContaining({ code: 'SAM_BAD_ARGUMENT', exitCode: 2 }));
  });

  it('a label that is neither 1 nor 0 is refused', () => {
    const labels = JSON.parse('[2]') as (0 | 1)[];
    expect(() => check({ points: [[1, 1]], labels })).toThrow("a point's label is 2");
  });
});
