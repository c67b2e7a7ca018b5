/** Scales and ticks of the report's charts. */
import { describe, expect, it } from 'vitest';
import { domainAround, frameOf, xAxis, yAxis } from '../../lib/reports/axes.js';
import { parsed } from './support.js';

const frame = frameOf([0, 10], [0, 0.5], { left: 50, right: 450, top: 30, bottom: 230 });
const textsOf = (svg: { text: string }) => [...parsed(svg.text).querySelectorAll('text')].map((one) => one.textContent);

describe('a frame', () => {
  it('puts the least value left and below, to a tenth of a pixel', () => {
    expect([0, 5, 10].map(frame.x)).toEqual([50, 250, 450]);
    expect([0, 0.25, 0.5].map(frame.y)).toEqual([230, 130, 30]);
    expect(frame.x(1 / 3)).toBe(63.3);
  });
});

describe('an axis', () => {
  it('has round numbers with as many decimals as tell them apart, and a label', () => {
    expect(textsOf(xAxis({ domain: [0, 10], label: 'epoch' }, frame))).toEqual([
      '0',
      '2',
      '4',
      '6',
      '8',
      '10',
      'epoch →',
    ]);
    const y = yAxis({ domain: [0, 0.5], label: 'loss' }, frame);
    expect(textsOf(y)).toEqual(['0.0', '0.1', '0.2', '0.3', '0.4', '0.5', '↑ loss']);
    const fine = yAxis({ domain: [0.688, 0.692] }, frameOf([0, 1], [0.688, 0.692], frame));
    expect(textsOf(fine)).toEqual(['0.688', '0.689', '0.690', '0.691', '0.692']);
  });

  it('has the given numbers at their places, written as asked', () => {
    const y = yAxis({ domain: [0, 0.5], ticks: [0, 0.25], format: (tick) => `${100 * tick} %` }, frame);
    expect(textsOf(y)).toEqual(['0 %', '25 %']);
    expect(parsed(y.text).querySelectorAll('text')[1]?.getAttribute('y')).toBe('130');
    expect(textsOf(xAxis({ domain: [0, 10], label: 'points', ticks: [1, 2.5, 10] }, frame)).slice(0, 3)).toEqual([
      '1',
      '2.5',
      '10',
    ]);
  });

  it('without a label has no numbers on x, but a grid', () => {
    const x = xAxis({ domain: [0, 10] }, frame);
    expect(textsOf(x)).toEqual([]);
    expect(parsed(x.text).querySelector('.grid')?.getAttribute('d')).toContain('M130,30V230');
  });
});

describe('the domain around values', () => {
  it('is round, and has room on both sides of equal values', () => {
    expect(domainAround([0.421, 0.873])).toEqual([0.4, 0.9]);
    expect(domainAround([0.5, 0.5])).toEqual([0.45, 0.55]);
    expect(domainAround([0])).toEqual([-0.5, 0.5]);
    expect(domainAround([])).toEqual([0, 1]);
  });
});
