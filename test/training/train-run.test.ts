import { describe, expect, test } from 'vitest';
import type { TrainEvent, TrainResult } from '../../lib/runs/events.js';
import { TrainRun } from '../../lib/training/train-run.js';

const step = (n: number) => ({ type: 'step', step: n }) as TrainEvent;
const epoch = (n: number) => ({ type: 'epoch', epoch: n }) as TrainEvent;
const result = { runDir: 'x' } as TrainResult;

describe('TrainRun', () => {
  test('gives every event in order, those before the reader came too, then ends', async () => {
    const run = new TrainRun(async (emit) => {
      emit(step(1));
      await new Promise((resolve) => setImmediate(resolve));
      emit(step(2));
      emit(epoch(1));
      return result;
    });
    const seen: string[] = [];
    for await (const event of run) seen.push(event.type);
    expect(seen).toEqual(['step', 'step', 'epoch']);
    expect(await run.result).toBe(result);
  });

  test('keeps a bounded number for a late reader and never drops an epoch', async () => {
    const run = new TrainRun(async (emit) => {
      for (let i = 0; i < 5000; i++) {
        emit(step(i));
        if (i % 1000 === 0) emit(epoch(i));
      }
      return result;
    });
    await run.result;
    const seen: TrainEvent[] = [];
    for await (const event of run) seen.push(event);
    expect(seen.length).toBe(1024);
    expect(seen.filter(({ type }) => type === 'epoch').length).toBe(5);
    expect(seen.at(-1)).toEqual(step(4999));
  });

  test('a failure is thrown from the loop after the events before it', async () => {
    const run = new TrainRun(async (emit) => {
      emit(step(1));
      throw new Error('broken');
    });
    const seen: string[] = [];
    const read = async () => {
      for await (const event of run) seen.push(event.type);
    };
    await expect(read()).rejects.toThrow('broken');
    expect(seen).toEqual(['step']);
    await expect(run.result).rejects.toThrow('broken');
  });
});
