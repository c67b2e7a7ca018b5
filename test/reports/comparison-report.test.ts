import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { PromptKind } from '../../lib/prompts/prompt.js';
import { reportPath, writeComparisonReport } from '../../lib/reports/comparison-report.js';
import { pictures } from '../../lib/reports/pictures.js';
import { displayName } from '../../lib/reports/sections/scores-sections.js';
import { entrantKey } from '../../lib/reports/sketches.js';
import type { EntrantName, EvaluatedSource, Metric } from '../../lib/scoring/results.js';
import { disc, madeUp, parsed, requestsOf, type ScoredOptions, temporaryFolder } from './support.js';

const NASTY = `<script>alert("x")</script>&'`;
const names = (count: number) => Array.from({ length: count }, (_, index) => `image-${index}`);

async function comparison(
  options: ScoredOptions,
  metrics: readonly Metric[] = ['iou'],
): Promise<{ text: string; document: ReturnType<typeof parsed> }> {
  const dir = await temporaryFolder();
  const scored = await madeUp(join(dir, 'photos'), options);
  const report = join(dir, 'report.html');
  const about = { runs: [], perImage: 'per-image.csv', device: 'cpu', precision: 'fp32' as const, seconds: 1 };
  const curve = (name: string) => ({
    name,
    disturbance: 'points' as const,
    ofPoints: null,
    steps: [1, 3].map((value) => ({
      value,
      count: 3,
      meanIou: 0.5,
      meanIouInterval: [0.4, 0.6] as const,
      medianIou: 0.5,
      meanF1: 0.5,
      belowHalf: 1,
    })),
  });
  const [b, a] = scored.models;
  const differences = metrics.map((metric) => ({
    a: a!,
    b: b!,
    metric,
    resolution: 'own' as const,
    ...{
      count: 9,
      mean: 0.25,
      meanInterval: [0.125, 0.375] as const,
      median: 0.2,
      medianInterval: [0.1, 0.3] as const,
    },
    ...{ greater: 8, lesser: 1, equal: 0 },
    wilcoxon: { statistic: 1, pValue: 0.0002, method: 'exact' as const },
  }));
  const robustness = scored.models.map(({ name }) => curve(name));
  await writeComparisonReport({ ...scored, ...about, report, differences, robustness });
  expect((await readdir(dir)).sort()).toEqual(['photos', 'report.html']); // no temporary file
  const text = await readFile(report, 'utf8');
  return { text, document: parsed(text) };
}

describe('the report of a comparison', () => {
  it('asks for nothing from anywhere, and lets no browser do so', async () => {
    const { text, document } = await comparison({ images: names(3) });
    expect(requestsOf(text)).toEqual([]);
    expect(document.querySelector('meta[http-equiv=Content-Security-Policy]')?.getAttribute('content')).toContain(
      "default-src 'none'",
    );
  });

  it('shows names as they are, not as HTML', async () => {
    const models = [
      { name: `${NASTY}1`, tuned: true },
      { name: 'untuned', tuned: false },
    ];
    const { text, document } = await comparison({ images: [NASTY, 'b'], models });
    expect(text).not.toContain('<script>alert');
    expect(document.querySelectorAll('script')).toHaveLength(1);
    expect(document.querySelector('.pictures figcaption')?.textContent).toContain(NASTY);
    expect(document.querySelector('.legend')?.textContent).toContain(`${NASTY}1`);
  });

  it('shows worst, median and best large and all others small, each with its layers', async () => {
    const { document } = await comparison({ images: names(15) });
    const headings = [...document.querySelectorAll('h3')].map(({ textContent }) => textContent);
    expect(headings.slice(0, 4)).toEqual(['The worst', 'Around the median', 'The best', 'All others, the worst first']);
    const groups = [...document.querySelectorAll('.pictures')].map((group) =>
      [...group.querySelectorAll('img')].map((image) => image.getAttribute('alt')),
    );
    expect(groups[0]).toEqual(['image-0', 'image-1', 'image-2', 'image-3']);
    expect(groups[1]).toEqual(['image-5', 'image-6', 'image-7', 'image-8']);
    expect(groups[2]).toEqual(['image-11', 'image-12', 'image-13', 'image-14']);
    expect(groups[3]).toEqual(['image-4', 'image-9', 'image-10']);
    for (const figure of document.querySelectorAll('.pictures figure')) {
      for (const layer of ['photo', 'label', 'prompts', '0', '1']) {
        expect(figure.querySelectorAll(`.layer-${layer}`)).toHaveLength(1);
      }
    }
    // Untuned first: before, then after.
    expect(document.querySelector('.pictures small')?.textContent).toContain('IoU: untuned 0.031, tuned 0.063');
  });

  it('shows the prompts of the models in the picture, one that they share once, and no other’s', async () => {
    const dir = await temporaryFolder();
    const scored = await madeUp(dir, { images: ['a'] });
    const { sample } = scored.sketches.of('a')!;
    const asked = { points: [], labels: [], box: [1, 1, 9, 9] as const };
    const label = { values: disc(64, 48, 0.3), width: 64, height: 48 };
    const box = { name: 'tuned', promptSource: 'ground-truth', promptKind: 'box' } as const;
    scored.sketches.add(entrantKey(box), { sample, label, predicted: label.values, prompt: asked });
    const entrants = scored.models;
    const of = async (shown: typeof entrants | [typeof box]) =>
      parsed((await pictures({ ...scored, entrants: shown, names: ['x', 'y'], rankedBy: 0 }))!.text);
    const boxesOf = (document: ReturnType<typeof parsed>) =>
      [...document.querySelectorAll('.pictures .prompt-box')].map((one) => one.getAttribute('x'));
    const [shared, other] = [boxesOf(await of(entrants)), boxesOf(await of([box]))];
    expect(shared).toHaveLength(1);
    expect(other).toHaveLength(1);
    expect(other).not.toEqual(shared);
  });

  it('has a checkbox for each layer, and alternatives for pictures and plots', async () => {
    const { document } = await comparison({ images: names(3) });
    const boxes = [...document.querySelectorAll('.layers input[type=checkbox]')];
    expect(boxes.map((box) => box.parentNode?.textContent?.trim())).toEqual([
      'photo',
      'label',
      'untuned',
      'tuned',
      'prompts',
    ]);
    for (const plot of document.querySelectorAll('.plot-figure > div')) {
      expect(plot.getAttribute('role')).toBe('img');
      expect(plot.querySelector('svg')).not.toBeNull();
      expect(plot.getAttribute('aria-label')).toMatch(/.+: .+/);
    }
    expect(document.querySelector('button.open')?.getAttribute('aria-label')).toBe('Enlarge image-0');
  });

  it('tells of differences and worse prompts', async () => {
    const { document } = await comparison({ images: names(3) });
    const cells = [...document.querySelectorAll('[aria-label="Paired differences"] tbody td')].map(
      ({ textContent }) => textContent,
    );
    expect(cells).toEqual([
      'tuned minus untuned',
      'IoU',
      '9',
      '+0.250 0.125 to 0.375',
      '+0.200 0.100 to 0.300',
      '8 / 1 / 0',
      '2.0e-4',
    ]);
    const plots = [...document.querySelectorAll('.plot-figure figcaption')].map(({ textContent }) => textContent);
    expect(plots).toContain('Number of points');
  });

  it('folds away all differences but those that the terminal shows', async () => {
    const { document } = await comparison({ images: names(3) }, ['iou', 'f1', 'hd95']);
    const pairs = (within: string) =>
      [...document.querySelectorAll(`${within} tbody tr`)].map((line) => line.children[1]?.textContent);
    expect(pairs('[aria-label="Paired differences"]')).toEqual(['IoU']);
    expect(pairs('details [aria-label="Other paired differences"]')).toEqual(['F1', 'HD95, pixels']);
    const summaries = [...document.querySelectorAll('summary')].map(({ textContent }) => textContent);
    expect(summaries).toContain('2 more: other pairs, other scores');
  });

  it('of 200 images stays below 15 MB, whatever they are like', async () => {
    const { text, document } = await comparison({ images: names(200), side: 768, noise: true });
    expect(text.length).toBeLessThan(15e6);
    expect(document.querySelectorAll('.pictures figure').length).toBeGreaterThan(100);
    expect(document.querySelectorAll('details tbody tr')).toHaveLength(200);
  }, 120_000);
});

describe('what a model is called', () => {
  const entrant = (promptSource: EvaluatedSource, promptKind: PromptKind | null) => ({
    name: 'sam',
    promptSource,
    promptKind,
  });
  const [points, box, automatic] = [
    entrant('ground-truth', 'points'),
    entrant('ground-truth', 'box'),
    entrant('automatic', 'points'),
  ];

  it('says what its prompts are where they differ, and whether it got any', () => {
    const called = (...all: EntrantName[]) => all.map((one) => displayName(one, all));
    expect(called(points)).toEqual(['sam']);
    expect(called(points, box)).toEqual(['sam (points)', 'sam (box)']);
    expect(called(points, automatic)).toEqual(['sam', 'sam (nothing given)']);
    expect(called(points, box, automatic)).toEqual(['sam (points)', 'sam (box)', 'sam (nothing given)']);
    expect(called(points, entrant('rough', 'points'))).toEqual([
      'sam (prompts from labels)',
      'sam (prompts from rough masks)',
    ]);
  });
});

describe('the place of a report', () => {
  it('is the file, or in the folder, or beside the table', () => {
    expect(reportPath('/a/b.html', '/x/per-image.csv')).toBe('/a/b.html');
    expect(reportPath('/a/b', '/x/per-image.csv')).toBe('/a/b/report.html');
    expect(reportPath(undefined, '/x/per-image.csv')).toBe('/x/report.html');
    expect(reportPath(undefined, '/x/evaluation-2026.parquet')).toBe('/x/evaluation-2026.html');
  });
});
