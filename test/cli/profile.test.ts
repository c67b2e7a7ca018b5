/** `train --profile`: a trace of a real run on a few sample rivers, with the real weights. */
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { PROFILED } from '../../lib/training/profile.js';
import { compile, runCli } from './run-cli.js';

interface TraceEvent {
  ph: string;
  name: string;
  cat?: string;
  id?: number;
  tid: number;
  ts: number;
  dur?: number;
}

const LIMIT = 13; // and 8 to validate: more images, and with two epochs more steps, than are recorded
let dir: string;
let file: string;
let events: TraceEvent[];

const recipe = (...more: string[]) => [
  ...['train', '--data', 'sample:rivers', '--model', 'mobile-sam', '--limit', String(LIMIT), '--batch-size', '1'],
  ...['--cache-dir', join(dir, 'cache'), '--out', join(dir, 'run'), ...more],
];
/** The ranges of that name that the addon's threads have recorded. */
const ranges = (name: string) =>
  events.filter((event) => event.ph === 'X' && event.cat === 'user_annotation' && event.name === name);
const inside = (inner: TraceEvent, outer: TraceEvent) =>
  inner.tid === outer.tid && inner.ts >= outer.ts && inner.ts + inner.dur! <= outer.ts + outer.dur!;

beforeAll(async () => {
  compile();
  dir = await mkdtemp(join(tmpdir(), 'sam-native-profile-'));
  file = join(dir, 'traces', 'run.json');
  const outcome = await runCli(recipe('--epochs', '2', '--profile', file));
  expect(outcome).toMatchObject({ code: 0 });
  expect(outcome.stderr).toContain(`profile: ${file}`);
  events = (JSON.parse(await readFile(file, 'utf8')) as { traceEvents: TraceEvent[] }).traceEvents;
}, 300_000);
afterAll(() => rm(dir, { recursive: true, force: true }));

describe('a profile', () => {
  test('holds what the lanes do, by its name', () => {
    const names = ['preprocess', 'encode', 'write embedding', 'read embeddings', 'train step', 'validate'];
    for (const name of names) expect({ name, found: ranges(name).length > 0 }).toEqual({ name, found: true });
    const lanes = new Set([...ranges('encode'), ...ranges('preprocess')].map(({ tid }) => tid));
    expect(lanes.size).toBeGreaterThan(1);
  });

  test('shows the parts of a step inside it, and the operators inside those', () => {
    const [step] = ranges('train step');
    for (const part of ['forward', 'backward', 'optimizer']) {
      const found = ranges(part).find((range) => inside(range, step!));
      expect({ part, found }).toMatchObject({ part, found: { name: part } });
      expect(events.some((event) => event.cat === 'cpu_op' && inside(event, found!))).toBe(true);
    }
  });

  test('stops after so many images and steps', () => {
    expect(ranges('write embedding')).toHaveLength(PROFILED.images);
    expect(ranges('train step')).toHaveLength(PROFILED.steps);
  });

  test("has JavaScript's work beside it, by the same clock", () => {
    const begins = events.filter(({ ph, name }) => ph === 'b' && name === 'decode image');
    expect(begins.length).toBeGreaterThanOrEqual(PROFILED.images);
    const byTime = (name: string) => ranges(name).sort((a, b) => a.ts - b.ts);
    const [firstPreprocess] = byTime('preprocess');
    const first = begins.sort((a, b) => a.ts - b.ts)[0]!;
    const end = events.find(({ ph, name, id }) => ph === 'e' && name === first.name && id === first.id)!;
    expect(end.ts).toBeGreaterThan(first.ts);
    const [between, tolerance, most] = [firstPreprocess!.ts - end.ts, 20_000, 10_000_000]; // microseconds
    expect(between).toBeGreaterThan(-tolerance);
    expect(between).toBeLessThan(most);
  });

  test('leaves nothing else behind', async () => {
    expect(await readdir(join(dir, 'traces'))).toEqual(['run.json']);
  });
});

test('a place that cannot be written is refused in one line, before any work', async () => {
  const out = join(dir, 'refused');
  const { code, stderr } = await runCli([...recipe('--profile', '/proc/nowhere/run.json'), '--out', out]);
  expect(code).toBe(2);
  expect(stderr).toMatch(/^error: --profile \/proc\/nowhere\/run\.json cannot be written .* — .*\n$/);
  expect(existsSync(out)).toBe(false);
});

test('nor is a folder overwritten', async () => {
  const { code, stderr } = await runCli([...recipe('--profile', dir), '--out', join(dir, 'refused')]);
  expect(code).toBe(2);
  expect(stderr).toContain('it is a folder');
});
