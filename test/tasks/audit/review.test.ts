import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { AuditItem, AuditRecord } from '../../../lib/tasks/audit/folder.js';
import { makePicture, type ReviewPicture } from '../../../lib/tasks/audit/pictures.js';
import { type ReviewData, reviewPage } from '../../../lib/tasks/audit/review-page.js';

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'sam-native-review-'));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

async function grey(name: string, rows: readonly string[]): Promise<string> {
  const path = join(dir, name);
  const values = Buffer.from(
    rows
      .join('')
      .replaceAll('#', '1')
      .replaceAll('.', '0')
      .split('')
      .map((digit) => Number(digit) * 255),
  );
  await sharp(values, { raw: { width: rows[0]!.length, height: rows.length, channels: 1 } })
    .toColourspace('b-w')
    .png()
    .toFile(path);
  return path;
}

async function pictureOf(
  label: readonly string[],
  prediction: readonly string[],
  size: { width: number; height: number },
) {
  const image = join(dir, 'photo.png');
  await sharp({ create: { ...size, channels: 3, background: '#406080' } })
    .png()
    .toFile(image);
  const sample = { name: 'photo', image: { path: image }, mask: { path: await grey('label.png', label) } };
  return makePicture(sample, await grey('prediction.png', prediction), join(dir, 'pictures', 'photo.jpg'));
}

/** Corners of a path whose steps are relative, in pictures of `side` pixels: rings, each of `x y`. */
function ringsOf(path: string, scale: number): string[][] {
  return path
    .split('z')
    .filter(Boolean)
    .map((ring) => {
      let [x, y] = [0, 0];
      const steps = ring.match(/-?\d+(\.\d+)?/g)!.map(Number);
      return Array.from({ length: steps.length / 2 }, (_, corner) => {
        [x, y] = [x + steps[2 * corner]!, y + steps[2 * corner + 1]!];
        return `${x / scale} ${y / scale}`;
      }).sort();
    });
}

describe('a picture on the review page', () => {
  it('has the outlines of label and prediction, holes too', async () => {
    const ring = ['....', '.###', '.#.#', '.###'];
    const picture = await pictureOf(ring, ['....', '....', '..##', '..##'], { width: 4, height: 4 });
    expect(picture).toMatchObject({ width: 512, height: 512 });
    expect(ringsOf(picture.label, 128)).toEqual([
      ['1 1', '1 4', '4 1', '4 4'],
      ['2 2', '2 3', '3 2', '3 3'],
    ]);
    expect(ringsOf(picture.prediction, 128)).toEqual([['2 2', '2 4', '4 2', '4 4']]);
    expect(await sharp(join(dir, 'pictures', 'photo.jpg')).metadata()).toMatchObject({ width: 4, height: 4 });
  });

  it('of a label that fills it has an outline around it', async () => {
    const picture = await pictureOf(['##', '##'], ['..', '..'], { width: 2, height: 2 });
    expect(picture.prediction).toBe('');
    expect(ringsOf(picture.label, 256)).toEqual([['0 0', '0 2', '2 0', '2 2']]);
  });

  it('has 1024 pixels at most, and keeps its shape', async () => {
    const row = '#'.repeat(2000);
    const picture = await pictureOf(Array(500).fill(row), Array(500).fill(row), { width: 2000, height: 500 });
    expect(picture).toMatchObject({ width: 512, height: 128 });
    expect(await sharp(join(dir, 'pictures', 'photo.jpg')).metadata()).toMatchObject({ width: 1024, height: 256 });
  });
});

describe('the review page', () => {
  const picture: ReviewPicture = { width: 40, height: 20, label: 'M0 0L1 0L1 1Z', prediction: '' };
  const item = (name: string): AuditItem => ({
    name,
    split: 'train',
    image: `/data/${name}.jpg`,
    mask: `/data/${name}.png`,
    prediction: `/audit/predictions/${name}.png`,
    iou: 0.25,
    agreement: 0.9,
    labelShare: 0.031,
    predictionShare: 0.52,
    fold: 1,
  });
  const record = (names: readonly string[], options: object = {}): AuditRecord => ({
    formatVersion: 1,
    createdAt: '2026-01-02T03:04:05.000Z',
    versions: { samNative: '0', libtorch: '0', node: '0' },
    options: { data: 'photos', epochs: 1, folds: 5, model: 'mobile-sam', ...options },
    split: 'train',
    model: 'mobile-sam',
    items: names.map(item),
    others: [],
  });
  const dataOf = (page: string) =>
    JSON.parse(/<script type="application\/json" id="audit">(.*?)<\/script>/s.exec(page)![1]!) as ReviewData;

  it('shows the worst and knows all', () => {
    const page = reviewPage(record(['a', 'b', 'c']), [picture, picture], '/audit');
    expect(page.match(/<article/g)).toHaveLength(2);
    expect(page).toContain('The worst 2 of 3 labels');
    expect(page).toContain('label 3.1\u00a0% of the picture');
    expect(dataOf(page).items.map(({ name }) => name)).toEqual(['a', 'b', 'c']);
  });

  it('names nothing outside itself but its pictures', () => {
    const page = reviewPage(record(['a']), [picture], '/audit');
    expect([...page.matchAll(/(?:src|href)="([^#"][^"]*)"/g)].map(([, path]) => path)).toEqual(['pictures/a.jpg']);
    expect(page).not.toMatch(/https?:/);
  });

  it('shows any name as text', () => {
    const name = 'site/</script><img src=x> "&#1';
    const page = reviewPage(record([name]), [picture], '/audit');
    expect(page).not.toContain('</script><img');
    expect(page).toContain('site/&lt;/script&gt;&lt;img src=x&gt; &quot;&amp;#1');
    expect(page).toContain('src="pictures/site/%3C/script%3E%3Cimg%20src%3Dx%3E%20%22%26%231.jpg"');
    expect(dataOf(page).items[0]!.name).toBe(name);
  });

  it('says how to train on what was decided', () => {
    const options = { model: 'runs/a b', groupBy: '^(.*)_[ab]$', bands: '3,2,1' };
    expect(reviewPage(record(['a'], options), [picture], '/audit')).toContain(
      "sam-native train --data reviewed.csv --model 'runs/a b' --validation-fraction 0.2 --group-by '^(.*)_[ab]$' --bands 3,2,1</code>".replaceAll(
        "'",
        '&#39;',
      ),
    );
    const withSplit = (split: string) => ({
      ...record(['a'], { groupBy: '^(.*)_[ab]$' }),
      others: [{ ...item('v'), split }],
    });
    expect(reviewPage(withSplit('val'), [picture], '/audit')).toContain('train --data reviewed.csv</code>');
    expect(reviewPage(withSplit('test'), [picture], '/audit')).toContain('--validation-fraction 0.2 --group-by');
    const fold = { ...withSplit('validation'), split: 'fold1' };
    expect(reviewPage(fold, [picture], '/audit')).toContain('reviewed.csv --train-split fold1</code>');
  });
});
