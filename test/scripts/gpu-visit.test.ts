/** The visit to a GPU (scripts/gpu-visit.sh): a stage that fails or runs out of time is recorded, and the rest goes on. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { VITS } from '../../lib/models/encoders.js';
import { encoderWork, flopsOf, stepWork } from '../../lib/tasks/bench/work.js';

const scripts = join(import.meta.dirname, '../../scripts');
const python = (code: string, ...args: string[]) =>
  execFileSync('python3', ['-c', code, ...args], { encoding: 'utf8', env: { ...process.env, PYTHONPATH: scripts } });

const STAGES = `
import sys, pathlib
from gpu_visit import Visit, Failed, Skipped, OutOfTime, run, parse_lines
visit = Visit(pathlib.Path(sys.argv[1]), 60, date="2026-11-28", commit="abc", device="cpu")

def slow(seconds):
    try:
        run(["sh", "-c", "echo 'time  step-of-4  1.5 ms' >&2; echo 'FAIL  vit/means  differs by 2, allowed 1' >&2; sleep 60 & wait"], 1)
    except OutOfTime as late:
        visit.keep("slow", parse_lines(late.stderr))
        raise

def refuses(seconds):
    raise Failed("no | kernel", "the last words")

def has_nothing_to_do(seconds):
    raise Skipped("no GPU")

visit.stage("slow", 50, slow)
visit.stage("refuses", 50, refuses)
visit.stage("breaks", 50, lambda seconds: 1 // 0)
visit.stage("skipped", 50, has_nothing_to_do)
visit.stage("last", 50, lambda seconds: {"timings": {"encoding/ViT-B/bf16/1": 10.0, "decoding/step-joint/bf16/4": 2.0}})
visit.end = 0
visit.stage("too late", 50, lambda seconds: {})
`;

interface Record {
  stages: { name: string; status: string; seconds: number; words?: string; output?: string }[];
  results: { [stage: string]: { timings?: { [name: string]: number }; checks?: { name: string; ok: boolean }[] } };
}

describe('a visit', () => {
  const folder = mkdtempSync(join(tmpdir(), 'sam-visit-test-'));
  let record: Record;
  let page: string;

  beforeAll(() => {
    python(STAGES, folder);
    record = JSON.parse(readFileSync(join(folder, 'visit.json'), 'utf8')) as Record;
    page = readFileSync(join(folder, 'visit.md'), 'utf8');
  }, 60_000);
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('goes on after stages that fail, are stopped or break', () => {
    expect(record.stages.map(({ name, status }) => [name, status])).toEqual([
      ['slow', 'timeout'],
      ['refuses', 'failed'],
      ['breaks', 'failed'],
      ['skipped', 'skipped'],
      ['last', 'ok'],
      ['too late', 'skipped'],
    ]);
    expect(record.stages[1]).toMatchObject({ words: 'no | kernel', output: 'the last words' });
    expect(record.stages[2]?.words).toContain('ZeroDivisionError');
  });

  it('keeps what a stage had found when it was stopped, with all that it started', () => {
    expect(record.results.slow?.timings).toEqual({ 'step-of-4': 1.5 });
    expect(record.results.slow?.checks).toMatchObject([{ name: 'vit/means', ok: false }]);
    expect(record.stages[0]?.seconds).toBeLessThan(30);
  });

  it('writes a table that says so, and projects 1000 x 50 from the parts', () => {
    expect(page).toContain('A rehearsal on a CPU');
    expect(page).toContain('Stages: 6; failed or stopped: slow, refuses, breaks; left out: skipped, too late.');
    expect(page).toContain('Checks that fail: vit/means.');
    expect(page).toContain('| refuses | failed |');
    expect(page).toMatch(/\| slow \| vit\/means \| fails \|/);
    expect(page).toMatch(/\| ViT-B \| bf16 \| 10 \| .* 97\.2 /);
    // 1000 x 10 ms + 50 x 250 x 2 ms
    expect(page).toContain('| ViT-B | ours, GPU alone | 35 | 0.6 |');
  });
});

it('counts operations as `bench` does', () => {
  const code = 'import json, gpu_visit_table as t; print(json.dumps([t.ENCODER_GFLOP, t.STEP_GFLOP]))';
  const [encoders, step] = JSON.parse(python(code)) as [{ [name: string]: number }, number];
  for (const vit of VITS) expect(encoders[vit.name]).toBeCloseTo(flopsOf(encoderWork(vit)!) / 1e9, 1);
  expect(step).toBeCloseTo(flopsOf(stepWork(3)) / 1e9, 1);
});

it('names the stages that there are', () => {
  const folder = mkdtempSync(join(tmpdir(), 'sam-visit-test-'));
  const visit = ['--device', 'cpu', '--out', folder, '--only', 'machin'];
  const { status, stderr } = spawnSync(join(scripts, 'gpu-visit.sh'), visit, { encoding: 'utf8' });
  rmSync(folder, { recursive: true });
  expect(status).toBe(2);
  expect(stderr).toMatch(/no stage machin: there are machine, build, checks/);
});
