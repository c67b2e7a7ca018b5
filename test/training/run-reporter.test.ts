/** `report.html` of a run: when it is written, and that it never fails the run. */
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { TrainOptions } from '../../lib/options.js';
import type { TrainEvent } from '../../lib/runs/events.js';
import { trainWith } from '../../lib/training/train.js';
import { type FakeEnvironment, fakeEnvironment, temporaryFolder, writeSplits } from './fake.js';

let dir: string;
let environment: FakeEnvironment;
const out = () => join(dir, 'run');
const options = (): Partial<TrainOptions> => ({ data: 'fake', out: out(), epochs: 2, batchSize: 2, lr: 0.01 });
const report = () => readFile(join(out(), 'report.html'), 'utf8');

beforeEach(async () => {
  dir = await temporaryFolder();
  environment = fakeEnvironment(await writeSplits(join(dir, 'data')));
});
afterEach(async () => {
  vi.useRealTimers();
  await rm(dir, { recursive: true });
});

function warningsOf(events: readonly TrainEvent[]): string[] {
  return events.flatMap((event) => (event.type === 'warning' ? [event.message] : []));
}

describe('the report of a run', () => {
  it('has curves, scores and pictures in the end', async () => {
    const result = await trainWith(options(), {}, environment).result;
    expect(result.report).toBe(join(out(), 'report.html'));
    expect(environment.log).toContain('score 3');
    const text = await report();
    expect(text).toContain('2 of 2 epochs');
    expect(text.match(/<figure><button/g)).toHaveLength(3);
    expect(text).not.toContain('http-equiv="refresh"');
  });

  it('is written anew while the run goes on, ten seconds after the last time at the earliest', async () => {
    vi.useFakeTimers({ toFake: ['performance'] });
    const stands: string[] = [];
    const seconds = [6, 6, 9, 6, 6];
    environment.trainer.onStep = (epoch) => {
      const path = join(out(), 'report.html');
      const text = existsSync(path) ? readFileSync(path, 'utf8') : '';
      const refreshes = text.includes('http-equiv="refresh"') ? ', looks for news' : '';
      const curves = text.includes('<svg') ? ', curves' : '';
      stands.push(`${/In progress: \d of \d epochs so far/.exec(text)?.[0] ?? 'none'}${refreshes}${curves}`);
      vi.advanceTimersByTime(seconds[epoch - 1]! * 1000);
      return undefined;
    };
    await trainWith({ ...options(), epochs: 5, batchSize: 7 }, {}, environment).result;
    const so = (epochs: number) => `In progress: ${epochs} of 5 epochs so far, looks for news, curves`;
    expect(stands).toEqual(['none', 'none', so(2), so(2), so(4)]);
    expect(await report()).toContain('5 of 5 epochs');
    expect(await report()).not.toContain('http-equiv="refresh"');
  });

  it('is not written where it is not asked for', async () => {
    const result = await trainWith({ ...options(), report: false }, {}, environment).result;
    expect(result.report).toBeNull();
    expect(existsSync(join(out(), 'report.html'))).toBe(false);
    expect(environment.log.join()).not.toContain('score');
  });

  it('that cannot be complete is a warning, and has the curves still', async () => {
    environment.score = async () => {
      throw new Error('no room');
    };
    const events: TrainEvent[] = [];
    const result = await trainWith(options(), { onProgress: (event) => events.push(event) }, environment).result;
    expect(result.epochs).toBe(2);
    expect(warningsOf(events)).toEqual([expect.stringMatching(/^report\.html is not complete: .*no room/)]);
    expect(await report()).toContain('2 of 2 epochs');
  });

  it('that cannot be written at all is a warning', async () => {
    const events: TrainEvent[] = [];
    const blocked = (event: TrainEvent) => {
      events.push(event);
    };
    environment.trainer.onStep = () => undefined;
    const openModel = environment.openModel.bind(environment);
    environment.openModel = async (...given) => {
      const model = await openModel(...given);
      const createTrainer = model.createTrainer;
      model.createTrainer = (settings) => {
        mkdirInTheWay();
        return createTrainer(settings);
      };
      return model;
    };
    const mkdirInTheWay = () => void mkdir(join(out(), 'report.html', 'x'), { recursive: true });
    const result = await trainWith(options(), { onProgress: blocked }, environment).result;
    expect(result.epochs).toBe(2);
    expect(warningsOf(events)).toHaveLength(1);
    expect((await readdir(out())).filter((name) => name.endsWith('.tmp'))).toEqual([]);
  });

  it('of an interrupted run shows how far it came, and looks for no news', async () => {
    const abort = new AbortController();
    const onProgress = (event: TrainEvent) => {
      if (event.type === 'epoch') abort.abort();
    };
    await expect(trainWith(options(), { signal: abort.signal, onProgress }, environment).result).rejects.toMatchObject({
      code: 'SAM_INTERRUPTED',
    });
    const text = await report();
    expect(text).toContain('1 of 2 epochs');
    expect(text).not.toContain('http-equiv="refresh"');
  });
});
