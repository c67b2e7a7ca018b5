import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parquetReadObjects } from 'hyparquet';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { perImageCsv, perImagePath, writePerImage } from '../../lib/scoring/per-image.js';
import type { ImageScores } from '../../lib/scoring/results.js';

const row: ImageScores = {
  model: 'first',
  image: 'a/b',
  iou: 0.5,
  f1: 2 / 3,
  precision: 1,
  recall: 0.5,
  predictedIou: 0.87654321,
  labelPixels: 200,
  predictedPixels: 100,
  promptSource: 'ground-truth',
  promptKind: 'points+box',
  accuracy: 0.9,
  boundaryIou: 0.25,
  boundaryF1: 0.125,
  hd95: 12.5,
  iouAt256: 0.5,
  f1At256: 2 / 3,
  precisionAt256: 1,
  recallAt256: 0.5,
  accuracyAt256: 0.9,
  boundaryIouAt256: 0.25,
  boundaryF1At256: 0.125,
  hd95At256: null,
};

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sam-per-image-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

describe('perImageCsv', () => {
  it('a line for each', () => {
    expect(perImageCsv([row])).toBe(
      'model,image,iou,f1,precision,recall,predictedIou,labelPixels,predictedPixels,promptSource,' +
        'promptKind,accuracy,boundaryIou,boundaryF1,hd95,' +
        'iouAt256,f1At256,precisionAt256,recallAt256,accuracyAt256,boundaryIouAt256,boundaryF1At256,hd95At256\n' +
        'first,a/b,0.500000,0.666667,1.000000,0.500000,0.876543,200,100,ground-truth,' +
        'points+box,0.900000,0.250000,0.125000,12.500000,' +
        '0.500000,0.666667,1.000000,0.500000,0.900000,0.250000,0.125000,\n',
    );
  });

  it('a rough mask guesses no IoU', () => {
    expect(perImageCsv([{ ...row, predictedIou: null }])).toContain(',0.500000,,200,100,');
  });

  it('quotes what would break a line', () => {
    const line = perImageCsv([{ ...row, model: 'a,b', image: 'say "river"' }]).split('\n')[1];
    expect(line).toMatch(/^"a,b","say ""river""",0\.5/);
  });
});

describe('perImagePath', () => {
  const now = new Date('2026-11-24T12:34:56Z');
  it('a file, a folder, the run, or here', () => {
    expect(perImagePath('out/x.csv', '/run', '/here', now)).toBe('out/x.csv');
    expect(perImagePath('out/x.Parquet', '/run', '/here', now)).toBe('out/x.Parquet');
    expect(perImagePath('out', '/run', '/here', now)).toBe(join('out', 'per-image.csv'));
    expect(perImagePath(undefined, '/run', '/here', now)).toBe('/run/evaluation-2026-11-24-123456.csv');
    expect(perImagePath(undefined, undefined, '/here', now)).toBe('/here/evaluation-2026-11-24-123456.csv');
  });

  it('never the file of an evaluation before', async () => {
    await writeFile(join(folder, 'evaluation-2026-11-24-123456.csv'), '');
    expect(perImagePath(undefined, folder, '/', now)).toBe(join(folder, 'evaluation-2026-11-24-123456-2.csv'));
  });

  it('writes into folders that are not there yet', async () => {
    const path = join(folder, 'new', 'per-image.csv');
    await writePerImage(path, [row]);
    expect(await readFile(path, 'utf8')).toBe(perImageCsv([row]));
  });

  it('as Parquet where the name says so', async () => {
    const path = join(folder, 'scores.parquet');
    const rough = { ...row, model: 'rough-mask', promptKind: null, predictedIou: null };
    await writePerImage(path, [row, rough]);
    const bytes = await readFile(path);
    const file = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength);
    expect(await parquetReadObjects({ file })).toEqual([row, rough]);
  });
});
