/** Figures of the report, by what is in their SVG. */
import { describe, expect, it } from 'vitest';
import { figure, histograms, legend, lineMark, marker, pairs } from '../../lib/reports/plots.js';
import { parsed } from './support.js';

const unit = { domain: [0, 1] } as const;
const textsOf = (document: ReturnType<typeof parsed>) =>
  [...document.querySelectorAll('svg.plot text')].map(({ textContent }) => textContent);

describe('a figure', () => {
  it('shows names as they are, not as SVG', () => {
    const chart = { x: { ...unit, label: '<b>' }, y: unit, marks: [marker(0.5, '<i>')] };
    const document = parsed(figure('<u>', '"', [chart], legend(['<s>'])).text);
    expect(document.querySelectorAll('b, i, u, s')).toHaveLength(0);
    expect(textsOf(document)).toContain('<b> →');
    expect(textsOf(document)).toContain('<i>');
    expect(document.querySelector('[role=img]')?.getAttribute('aria-label')).toBe('<u>: "');
  });

  it('has each line in its colour and dashes, with its points and band', () => {
    const points = [0, 0.5, 1].map((x) => ({ x, y: x }));
    const band = points.map(({ y }) => ({ low: y - 0.1, high: y + 0.1 }));
    const marks = [lineMark({ series: 0, points, band }), lineMark({ series: 1, points, marks: false })];
    const document = parsed(figure('', '', [{ x: unit, y: unit, marks }]).text);
    const [first, second, ...others] = [...document.querySelectorAll('path[stroke-width="2"]')];
    expect(others).toEqual([]);
    expect([first, second].map((line) => line?.getAttribute('stroke'))).toEqual(['var(--series-0)', 'var(--series-1)']);
    expect([first, second].map((line) => line?.getAttribute('stroke-dasharray'))).toEqual(['6 3', null]);
    expect(second?.getAttribute('d')).toBe('M52,218L228,118L404,18');
    expect(document.querySelectorAll('path[transform]')).toHaveLength(points.length);
    expect(document.querySelectorAll('path[fill-opacity]')).toHaveLength(1);
  });

  it('writes beside a marker to where there is room', () => {
    const marks = [marker(0.1, 'left'), marker(0.9, 'right')];
    const document = parsed(figure('', '', [{ x: unit, y: unit, marks }]).text);
    const anchors = [...document.querySelectorAll('svg > text')].map((text) => text.getAttribute('text-anchor'));
    expect(anchors).toEqual(['start', 'end']);
  });
});

describe('histograms', () => {
  it('count images by twentieths, 1 in the last, and number whole images only', () => {
    const models = [
      { name: 'a', values: [0, 0.049, 0.05, 1] },
      { name: 'b', values: [0.95, 0.99, 1] },
    ];
    const document = parsed(histograms('IoU', models).text);
    expect(document.querySelectorAll('svg.plot')).toHaveLength(2);
    const heights = [...document.querySelectorAll('svg.plot path[fill]')].map((bars) =>
      [...bars.getAttribute('d')!.matchAll(/,([\d.]+)V([\d.]+)H/g)].map(
        ([, bottom, top]) => Number(bottom) - Number(top),
      ),
    );
    const images = heights.map((row) => row.map((height) => height / 24)); // 72 pixels for the most, 3
    expect(images).toEqual([
      [2, 1, ...Array(17).fill(0), 1],
      [...Array(19).fill(0), 3],
    ]);
    expect(textsOf(document)).toContain('median 0.990');
    expect(textsOf(document)).not.toContain('0.5');
    expect(document.querySelector('[role=img]')?.getAttribute('aria-label')).toBe(
      'IoU: a median 0.050, b median 0.990',
    );
  });
});

describe('pairs', () => {
  it('tell on how many images the second is better', () => {
    const points = [0.2, 0.5, 0.9].map((y) => ({ x: 0.5, y }));
    const document = parsed(pairs('a against b', ['a', 'b'], [...points, { x: 0, y: 1 }], 1).text);
    expect(textsOf(document)).toContain('better on 2, worse on 1 of 4');
    expect(textsOf(document)).toEqual(expect.arrayContaining(['IoU, a →', '↑ IoU, b']));
    const places = [...document.querySelectorAll('path[transform]')].map((dot) => dot.getAttribute('transform'));
    expect(places.at(-1)).toBe('translate(52,30)');
  });
});
