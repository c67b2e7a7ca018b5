/** Kinds of prompts compared as a user does, and what is said where that can't be. */
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { comparisonTables } from '../../lib/cli/tune-prompts.js';
import type { PromptComparison, SourceResult } from '../../lib/tasks/prompt-comparison/compare-prompts.js';
import { compile, runCli } from './run-cli.js';

let dir: string;
beforeAll(async () => {
  compile();
  dir = await mkdtemp(join(tmpdir(), 'sam-native-tune-prompts-'));
}, 600_000);
afterAll(() => rm(dir, { recursive: true, force: true }));

const small = () => ['--data', 'sample:rivers', '--cache-dir', join(dir, 'cache'), '--limit', '6', '--batch-size', '3'];
const short = ['--epochs', '1', '--warmup-steps', '0', '--lr', '1e-4'];
const ROUGH = ['--rough-mask', 'hsv', '--saturation', '0-0.4', '--value', '0.1-1'];

async function refused(...args: string[]): Promise<string> {
  const { code, stderr, stdout } = await runCli(['tune', '--prompts', ...args], { cwd: dir });
  expect(code).toBe(2);
  expect(stdout).toBe('');
  expect(stderr.trim().split('\n')).toHaveLength(1);
  return stderr;
}

test('points and boxes, from labels and from rough masks, on the same images', async () => {
  const out = join(dir, 'kinds');
  const compare = ['tune', '--prompts', ...small(), ...short, ...ROUGH, '--prompt-kinds', 'points,box', '--out', out];
  const outcome = await runCli([...compare, '--json'], { cwd: dir });
  expect(outcome).toMatchObject({ code: 0 });
  const result = outcome.json<PromptComparison>();
  expect(result).toMatchObject({ split: 'validation', images: 6, trainImages: 6 });
  expect(result.arms.map(({ kind, source }) => `${kind} ${source}`)).toEqual([
    'points ground-truth',
    'box ground-truth',
    'points rough',
    'box rough',
  ]);
  for (const { kind, source, tuned, untuned, gain, runDir } of result.arms) {
    for (const scores of [tuned, untuned])
      expect(scores).toMatchObject({ promptKind: kind, promptSource: source, count: 6 });
    expect(tuned.checkpointHash).not.toBeNull();
    expect(untuned.checkpointHash).toBeNull();
    expect(gain.mean).toBeCloseTo(tuned.meanIou - untuned.meanIou, 9);
    const config = JSON.parse(await readFile(join(runDir, 'config.json'), 'utf8'));
    expect(await readdir(join(runDir, 'checkpoints'))).toEqual(['best.safetensors']);
    expect(config.options).toMatchObject({ prompt: kind, promptSource: source, epochs: 1, lr: 1e-4 });
  }
  const [points, box] = result.arms;
  const [labels, rough] = result.sources;
  expect([labels!.source, rough!.source]).toEqual(['ground-truth', 'rough']);
  expect(labels!.differences).toHaveLength(1);
  expect(labels!.differences[0]!.mean).toBeCloseTo(box!.tuned.meanIou - points!.tuned.meanIou, 9);
  expect(labels!.alike).toContain(labels!.best);
  expect(result.roughMinusLabels.map(({ b }) => b.promptKind)).toEqual(['points', 'box']);
  expect(result.roughMask).toMatchObject({ name: 'rough-mask', count: 6 });
  // Rivers cross their picture.
  expect(result.boxes.wide).toBeGreaterThanOrEqual(0.5);
  expect(outcome.stderr).toMatch(
    /warning: of \d+ % of the training labels the box covers more than 80 % of the picture: such boxes tell little/,
  );
  expect(outcome.stderr).toMatch(/4\/4 {2}box from rough masks {2}mean IoU 0\.\d{3}/);

  // A line for each image, of each model tuned and untuned, and of the rough mask.
  const lines = (await readFile(result.perImage, 'utf8')).trim().split('\n');
  expect(lines).toHaveLength(1 + 6 * (4 * 2 + 1));
  expect(JSON.parse(await readFile(result.record, 'utf8'))).toMatchObject({ formatVersion: 1, images: 6 });
  expect(await refused(...small(), ...short, '--out', out)).toContain('already holds a comparison of prompts');
  expect(await refused('--data', join(dir, 'none'), '--out', out, '--overwrite')).toContain('no data folder');
  expect(existsSync(result.record)).toBe(true); // no word about the data is paid with the earlier results

  const again = await runCli([...compare, '--overwrite', '--prompt-source', 'rough'], { cwd: dir });
  expect(again).toMatchObject({ code: 0 });
  expect(again.stdout).toContain('each model asked with the prompts that it was trained with');
  expect(again.stdout).toMatch(/From rough masks: take (points|box)/);
  expect(again.stdout).not.toContain('From labels');
  expect(again.stdout).toMatch(/The box of the middle training label covers \d+ % of its picture/);
}, 600_000);

test('bad input is one clear line and leaves no folder', async () => {
  const out = ['--out', join(dir, 'not-made')];
  expect(await refused(...small(), ...out, '--lrs', '1e-4')).toContain('--lrs says nothing where prompts are compared');
  expect(await refused(...small(), ...out, '--prompt-kinds', 'points')).toContain('there is nothing to compare');
  expect(await refused(...small(), ...out, '--prompt-source', 'rough')).toContain('needs a rough mask');
  expect(await refused(...small(), ...out, '--prompt-kinds', 'points,circle')).toContain('"circle" is not one of them');
  expect(existsSync(join(dir, 'not-made'))).toBe(false);
  await writeFile(join(dir, 'file'), '');
  expect(await refused(...small(), '--out', join(dir, 'file', 'deep'))).toContain('a file is in the way');
}, 600_000);

test('where boxes are wide, the end says so; the model to take is marked', async () => {
  const record = JSON.parse(await readFile(join(dir, 'kinds', 'prompts.json'), 'utf8')) as PromptComparison;
  const wide = { ...record, boxes: { median: 0.86, wide: 0.7 } };
  expect(comparisonTables(wide)).toContain(
    '86 % of its picture; of 70 % of the labels it covers more than 80 %: boxes tell little here.',
  );
  expect(comparisonTables({ ...wide, boxes: { median: 0.6, wide: 0.2 } })).toContain(
    'of 20 % of the labels it covers more than 80 %.',
  );
  const [{ source }] = record.sources as [SourceResult];
  const sources = [{ ...record.sources[0]!, take: 'box' as const }];
  const marked = comparisonTables({ ...record, sources }).match(/\S+(?= {3}\(take this\))/g);
  expect(marked).toEqual([record.arms.find((arm) => arm.kind === 'box' && arm.source === source)!.runDir]);
});
