/** Labels judged, decided on and trained with, as a user does; and what is said where that can't be. */
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { auditSummary } from '../../lib/cli/audit.js';
import type { TrainResult } from '../../lib/runs/events.js';
import type { AuditResult } from '../../lib/tasks/audit/audit.js';
import type { ApplyResult } from '../../lib/tasks/audit/decisions.js';
import { writePictures } from '../data/parquet-fixtures.js';
import { compile, runCli } from './run-cli.js';

let dir: string;
const quick = ['--folds', '2', '--epochs', '1', '--draws', '3'];

beforeAll(async () => {
  compile();
  dir = await mkdtemp(join(tmpdir(), 'sam-native-audit-'));
}, 600_000);
afterAll(() => rm(dir, { recursive: true, force: true }));

const cached = () => ['--cache-dir', join(dir, 'cache')];

async function json<T>(args: string[]): Promise<T> {
  const outcome = await runCli([...args, '--json'], { cwd: dir });
  expect(outcome).toMatchObject({ code: 0 });
  return outcome.json<T>();
}

async function refused(...args: string[]): Promise<string> {
  const { code, stderr, stdout } = await runCli(['audit', ...args], { cwd: dir });
  expect(code).toBe(2);
  expect(stdout).toBe('');
  expect(stderr.trim().split('\n')).toHaveLength(1);
  return stderr;
}

/** Pictures of one colour, each with its label. */
async function writeSet(name: string, side: number, count: number, label: number): Promise<string> {
  const data = join(dir, name);
  for (const kind of ['images', 'masks']) await mkdir(join(data, 'train', kind), { recursive: true });
  for (let index = 0; index < count; index++) {
    const of = (kind: string) => join(data, 'train', kind, `p${index}.png`);
    const size = { width: side, height: side, channels: 3 as const };
    await sharp({ create: { ...size, background: { r: 40 * index, g: 90, b: 200 } } })
      .png()
      .toFile(of('images'));
    await sharp(Buffer.alloc(side * side, label), { raw: { width: side, height: side, channels: 1 } })
      .png()
      .toFile(of('masks'));
  }
  return data;
}

test('from labels to a manifest that train takes', async () => {
  const out = join(dir, 'rivers');
  const args = ['audit', '--data', 'sample:rivers', '--limit', '4', ...quick, ...cached(), '--out', out];
  const { items, review, skipped } = await json<AuditResult>(args);
  expect(items).toHaveLength(4);
  expect(skipped).toEqual([]);
  expect(new Set(items.map(({ fold }) => fold))).toEqual(new Set([1, 2]));
  const ious = items.map(({ iou }) => iou);
  expect(ious).toEqual(ious.toSorted((a, b) => a - b));
  for (const { image, iou, prediction } of items) {
    expect(existsSync(image)).toBe(true);
    expect(iou).toBeGreaterThanOrEqual(0);
    expect(await sharp(prediction).metadata()).toMatchObject({ width: 512, height: 512, channels: 1 });
  }
  expect(await readdir(join(out, 'pictures'))).toHaveLength(4);
  expect(await readdir(join(dir, 'cache', 'tmp'))).toEqual([]); // the folds' runs are gone

  const { createdAt } = JSON.parse(await readFile(join(out, 'audit.json'), 'utf8')) as { createdAt: string };
  expect(await readFile(review, 'utf8')).toContain(createdAt);
  const [worst, second] = items;
  const decisions = { [worst!.name]: 'drop', [second!.name]: 'replace' };
  await writeFile(join(dir, 'decisions.json'), JSON.stringify({ audit: out, createdAt, decisions }));
  const applied = await json<ApplyResult>(['audit', '--apply', 'decisions.json', '--out', 'reviewed.csv']);
  expect(applied).toMatchObject({ kept: 2, replaced: 1, dropped: 1, others: 8 });
  const once = ['--epochs', '1', '--out', join(dir, 'run')];
  const run = await json<TrainResult>(['train', '--data', applied.manifest, ...once, ...cached()]);
  expect(run).toMatchObject({ trainImages: 3, validationImages: 8, epochs: 1 });

  expect(await refused('--data', 'sample:rivers', '--out', out)).toContain('already holds an audit');
}, 600_000);

test('rows of a Parquet file become files, so that the manifest can name them', async () => {
  const data = await writeSet('greys', 16, 3, 255);
  const pictures = (kind: string) =>
    Promise.all(
      [0, 1, 2].map(async (index) => {
        const bytes = new Uint8Array(await readFile(join(data, 'train', kind, `p${index}.png`)));
        return { bytes, path: `p${index}.png` };
      }),
    );
  const columns = { image: await pictures('images'), label: await pictures('masks') };
  await writePictures(join(dir, 'rows', 'train.parquet'), columns);
  const args = ['audit', '--data', join(dir, 'rows'), '--folds', '3', '--epochs', '1', '--draws', '1', ...cached()];
  const { items, manifest } = await json<AuditResult>([...args, '--out', join(dir, 'audit-rows')]);
  expect(items.map(({ image }) => image).sort()).toEqual(
    [0, 1, 2].map((index) => join(dir, 'audit-rows', 'images', `p${index}.png`)),
  );
  const run = ['train', '--data', manifest, '--validation-fraction', '0.3', '--epochs', '1', ...cached()];
  const trained = await json<TrainResult>([...run, '--out', join(dir, 'run-rows')]);
  expect(trained).toMatchObject({ trainImages: 2, validationImages: 1, encodedImages: 0 });
}, 600_000);

test('masks without an outside are judged like others', async () => {
  const data = await writeSet('ones', 16, 3, 255);
  const args = ['--data', data, '--folds', '3', '--epochs', '1', '--draws', '1', ...cached()];
  const outcome = await runCli(['audit', ...args, '--out', join(dir, 'audit-ones'), '--json'], { cwd: dir });
  expect(outcome).toMatchObject({ code: 0 });
  const { items } = outcome.json<AuditResult>();
  // Once, not for each fold.
  expect(outcome.stderr.match(/every label \(3; .* is one\) covers nearly all of its picture/g)).toHaveLength(1);
  expect(items.map(({ labelShare }) => labelShare)).toEqual([1, 1, 1]);
  for (const { iou, predictionShare } of items) expect(iou).toBeCloseTo(predictionShare);
}, 600_000);

describe('bad input is one clear line', () => {
  test('and leaves no folder', async () => {
    const data = await writeSet('few', 16, 3, 255);
    const folder = join(dir, 'not-made', 'deep');
    const args = ['--data', data, '--out', folder, ...cached()];
    expect(await refused(...args)).toMatch(
      /^error: 3 samples in 3 groups make no 5 folds — take --folds 3, or less\n$/,
    );
    expect(await refused(...args, '--folds', '2', '--group-by', '^(p)')).toContain(
      '3 samples in 1 group make no 2 folds',
    );
    expect(await refused(...args, '--split', 'test')).toContain("there is no split 'test'");
    expect(await refused(...args, '--early-stop', '3')).toContain('unknown option --early-stop');
    expect(existsSync(join(dir, 'not-made'))).toBe(false);
  }, 600_000);

  test('for pictures of one pixel, empty labels and empty splits', async () => {
    const dots = await writeSet('dots', 1, 3, 255);
    expect(await refused('--data', dots, '--out', join(dir, 'never'))).toContain(
      'is 1 x 1 pixels: too small to segment',
    );
    const data = await writeSet('empty', 16, 2, 0);
    const out = ['--out', join(dir, 'never')];
    expect(await refused('--data', data, ...out)).toContain('the mask is empty');
    await mkdir(join(dir, 'bare', 'train', 'images'), { recursive: true });
    expect(await refused('--data', join(dir, 'bare'), ...out)).toContain('holds no image with a mask');
  }, 600_000);

  test('for decisions', async () => {
    expect(await refused('--apply', 'none.json')).toContain('there is no file none.json');
    expect(await refused('--apply', 'x.json', '--data', 'photos')).toContain('--apply goes with --out only');
    expect(await refused()).toContain('--data is missing');
  }, 600_000);
});

test('the terminal names the worst ten', () => {
  const items = Array.from({ length: 12 }, (_, index) => ({ name: `river-${index}`, iou: index / 12 }));
  const lines = auditSummary({ items, review: 'audit/review.html' } as AuditResult).split('\n');
  expect(lines[1]).toBe('  1  IoU 0.000  river-0');
  expect(lines[11]).toBe('     and 2 more');
  expect(lines.at(-1)).toBe('decide on audit/review.html');
});
