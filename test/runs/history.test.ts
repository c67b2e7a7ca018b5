import { appendFile, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { History } from '../../lib/runs/history.js';
import { temporaryFolder } from '../training/fake.js';

test('cuts off what came after the checkpoint, and writes on behind it', async () => {
  const dir = await temporaryFolder();
  const path = join(dir, 'history.jsonl');
  const line = (step: number, loss = 0.5) => ({
    type: 'step' as const,
    epoch: 1,
    step,
    loss,
    learningRate: 1,
    gradientNorm: 2,
  });
  const first = await History.open(path, 0);
  await first.append(line(1));
  const { bytes } = first;
  await first.append(line(2, Number.NaN));
  await first.close();
  await appendFile(path, '{"type":"step","ep'); // killed while writing
  const second = await History.open(path, bytes);
  await second.append(line(2, Number.POSITIVE_INFINITY));
  await second.close();
  const lines = (await readFile(path, 'utf8'))
    .trimEnd()
    .split('\n')
    .map((text) => JSON.parse(text));
  expect(lines.map(({ step, loss }) => [step, loss])).toEqual([
    [1, 0.5],
    [2, 'Infinity'],
  ]);
  await rm(dir, { recursive: true });
});
