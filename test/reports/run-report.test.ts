import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { trainOptionsSchema } from '../../lib/options.js';
import { writeRunReport } from '../../lib/reports/run-report.js';
import { writeRunConfig } from '../../lib/runs/run-folder.js';
import { madeUp, parsed, requestsOf, temporaryFolder } from './support.js';

const NASTY = `<script>alert("x")</script>&'`;

async function writeRun(epochs: number, dir: string): Promise<void> {
  const options = trainOptionsSchema.parse({ data: NASTY, epochs: 4, lr: 1e-4 });
  await writeRunConfig(dir, {
    formatVersion: 1,
    createdAt: '2026-01-01T00:00:00.000Z',
    versions: { samNative: '0.1.0', libtorch: '2.13', node: '20' },
    options,
    compute: { device: 'cpu', name: 'CPU', precision: 'fp32' },
    data: { train: { count: 4, digest: '' }, validation: { count: 2, digest: '' } },
    model: { name: 'mobile-sam', weightsHash: 'w'.repeat(64), encoderHash: 'e'.repeat(64) },
  });
  const lines: object[] = [];
  for (let epoch = 1; epoch <= epochs; epoch++) {
    for (let step = 2 * epoch - 1; step <= 2 * epoch; step++) {
      lines.push({ type: 'step', epoch, step, loss: 1, learningRate: 1e-4, gradientNorm: 1 });
    }
    const scores = { trainLoss: 1 / epoch, validationLoss: 2 / epoch, validationIou: 0.5, best: epoch !== 3 };
    lines.push({ type: 'epoch', epoch, ...scores, seconds: 1, samplesPerSecond: 2 });
  }
  await writeFile(join(dir, 'history.jsonl'), `${lines.map((line) => JSON.stringify(line)).join('\n')}\n{"type":"st`);
}

describe('the report of a run', () => {
  it('in progress looks for news by itself, and says how far it is', async () => {
    const dir = await temporaryFolder();
    await writeRun(3, dir);
    await writeRunReport(dir, { ended: false });
    const document = parsed(await readFile(join(dir, 'report.html'), 'utf8'));
    expect(document.querySelector('meta[http-equiv=refresh]')).not.toBeNull();
    expect(document.querySelector('.lead')?.textContent).toBe(
      'In progress: 3 of 4 epochs so far. Best: epoch 2, validation loss 1.0000, mean IoU 0.5000 on the grid of the loss.',
    );
    expect(document.querySelector('[aria-label^="Loss: "]')?.getAttribute('aria-label')).toBe(
      'Loss: in epoch 3 training 0.3333, validation 0.6667',
    );
    expect(document.querySelector('[aria-label^="Learning rate"]')).not.toBeNull();
    expect(document.querySelector('h1')?.textContent).toBe(`mobile-sam tuned on ${NASTY}`);
  });

  it('that ended does not, and shows scores, timings and what was asked for', async () => {
    const dir = await temporaryFolder();
    await writeRun(4, dir);
    const scored = await madeUp(join(dir, 'photos'), { images: ['image-0', 'image-1'] });
    const seconds = { setup: 1, encode: 2, train: 3, validate: 4, total: 500 };
    await writeRunReport(dir, { ended: true, seconds, scored });
    const text = await readFile(join(dir, 'report.html'), 'utf8');
    const document = parsed(text);
    expect(document.querySelector('meta[http-equiv=refresh]')).toBeNull();
    expect(requestsOf(text)).toEqual([]);
    expect(document.querySelectorAll('.pictures figure')).toHaveLength(2);
    expect(text).toContain('8 min 20 s');
    const changed = [...document.querySelectorAll('.facts b')].map(({ textContent }) => textContent);
    expect(changed).toEqual([NASTY, '4', '0.0001']);
  });

  it('that made its model worse says so in its headline', async () => {
    const dir = await temporaryFolder();
    await writeRun(4, dir);
    const headline = async (untunedIou: number | null) => {
      await writeRunReport(dir, { ended: true, untunedIou });
      return parsed(await readFile(join(dir, 'report.html'), 'utf8')).querySelector('.lead')?.textContent;
    };
    expect(await headline(0.774)).toBe(
      '4 of 4 epochs. Best: epoch 4, validation loss 0.5000, mean IoU 0.5000 on the grid of the loss. ' +
        'It is worse than untuned: mean IoU 0.5000, untuned 0.7740 (0.2740 less). A lower learning rate may help, or sam-native tune.',
    );
    for (const other of [0.4, null]) expect(await headline(other)).not.toContain('untuned');
  });

  it('before its first epoch says so', async () => {
    const dir = await temporaryFolder();
    await writeRun(0, dir);
    await writeRunReport(dir, { ended: true });
    expect(await readFile(join(dir, 'report.html'), 'utf8')).toContain('No epoch is complete yet.');
  });
});
