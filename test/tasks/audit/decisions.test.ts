import { mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runInNewContext } from 'node:vm';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openSplit } from '../../../lib/data/open-data.js';
import { manifestCsv } from '../../../lib/data/sources/manifest.js';
import { applyDecisions } from '../../../lib/tasks/audit/decisions.js';
import { type AuditRecord, auditPaths, readRecord, writeRecord } from '../../../lib/tasks/audit/folder.js';
import { MANIFEST_SCRIPT } from '../../../lib/tasks/audit/review-script.js';

const NAMES = ['a', 'site, "two"/b', 'c '];
const createdAt = '2026-01-02T03:04:05.000Z';

let root: string;
let dir: string;
let record: AuditRecord;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'sam-native-decisions-'));
  dir = join(root, 'audit');
  await mkdir(dir);
  const others = { name: 'v', split: 'validation', image: join(root, 'v.jpg'), mask: join(root, 'v.png') };
  record = {
    formatVersion: 1,
    createdAt,
    versions: { samNative: '0', libtorch: '0', node: '0' },
    options: {},
    split: 'train',
    model: 'mobile-sam',
    items: NAMES.map((name) => ({
      name,
      split: 'train',
      image: join(root, 'images', `${name}.jpg`),
      mask: join(root, 'masks', `${name}.png`),
      prediction: auditPaths(dir).prediction(name),
      iou: 0.5,
      agreement: 1,
      labelShare: 0.5,
      predictionShare: 0.5,
      fold: 1,
    })),
    others: [others],
  };
  await writeRecord(dir, record);
});
afterEach(() => rm(root, { recursive: true, force: true }));

async function decided(decisions: Record<string, string>, more: object = {}): Promise<string> {
  const path = join(root, 'decisions.json');
  await writeFile(path, JSON.stringify({ audit: dir, createdAt, decisions, ...more }));
  return path;
}

describe('decisions of the review page', () => {
  it('become a manifest: kept, replaced, dropped, and the other splits as they were', async () => {
    const path = await decided({ [NAMES[1]!]: 'replace', 'c ': 'drop' });
    const result = await applyDecisions(path);
    expect(result).toEqual({ manifest: join(dir, 'manifest.csv'), kept: 1, replaced: 1, dropped: 1, others: 1 });
    const b = join(root, 'images', `${NAMES[1]}.jpg`);
    expect(await readFile(result.manifest, 'utf8')).toBe(
      `image,mask,split,name\n${root}/images/a.jpg,${root}/masks/a.png,train,a\n` +
        `"${b.replaceAll('"', '""')}","${dir}/predictions/site, ""two""/b.png",train,"site, ""two""/b"\n` +
        `${root}/v.jpg,${root}/v.png,validation,v\n`,
    );
  });

  it('make a manifest that is read as it was meant', async () => {
    const { manifest } = await applyDecisions(await decided({ [NAMES[1]!]: 'replace' }), join(root, 'new.csv'));
    const rows = [...record.items, ...record.others];
    for (const file of rows.flatMap(({ image, mask }) => [image, mask]).concat(record.items[1]!.prediction)) {
      await mkdir(join(file, '..'), { recursive: true });
      await writeFile(file, 'x');
    }
    const samples = await openSplit({ data: manifest, split: 'train', cacheDir: root, skipBad: false });
    expect(samples.map(({ name, mask }) => [name, mask?.path])).toEqual([
      ['a', record.items[0]!.mask],
      ['c ', record.items[2]!.mask],
      [NAMES[1], record.items[1]!.prediction],
    ]);
  });

  it('give on the page the very same manifest', async () => {
    const decisions = { [NAMES[1]!]: 'replace', a: 'drop' };
    const { manifest } = await applyDecisions(await decided(decisions));
    const found = runInNewContext(`${MANIFEST_SCRIPT}; manifestOf(record, decisions)`, { record, decisions });
    expect(found).toBe(await readFile(manifest, 'utf8'));
    const all = runInNewContext(`${MANIFEST_SCRIPT}; manifestOf(record, {})`, { record });
    expect(all).toBe(manifestCsv([...record.items, ...record.others]));
  });

  it('are found again beside an audit that was moved', async () => {
    const path = await decided({ a: 'replace' });
    const moved = join(root, 'moved');
    await rename(dir, moved);
    await expect(applyDecisions(path)).rejects.toThrow(`there is no audit in ${dir}`);
    await rename(path, join(moved, 'decisions.json'));
    const { manifest } = await applyDecisions(join(moved, 'decisions.json'));
    expect(await readFile(manifest, 'utf8')).toContain(`${moved}/predictions/a.png,train,a\n`);
  });

  it('are refused where they name unknown images, are of another audit, or leave nothing', async () => {
    await expect(applyDecisions(await decided({ a: 'drop', x: 'keep', y: 'drop' }))).rejects.toMatchObject({
      code: 'SAM_BAD_DATA',
      message: expect.stringMatching(/decides about images that the audit does not know: x, y$/),
    });
    await expect(applyDecisions(await decided({}, { createdAt: 'earlier' }))).rejects.toThrow(
      'another audit than that',
    );
    const nothing = Object.fromEntries(NAMES.map((name) => [name, 'drop']));
    await expect(applyDecisions(await decided(nothing))).rejects.toThrow('nothing is left to train on');
    await expect(applyDecisions(await decided({ a: 'maybe' }))).rejects.toThrow('holds no decisions of a review page');
    await expect(applyDecisions(join(root, 'none.json'))).rejects.toMatchObject({ code: 'SAM_NOT_FOUND' });
    await expect(applyDecisions(await decided({}), join(root, 'x.txt'))).rejects.toThrow('no name for a manifest');
  });
});

describe('audit.json', () => {
  it('comes back with absolute paths', async () => {
    expect(await readRecord(dir)).toEqual(record);
    const text = await readFile(auditPaths(dir).record, 'utf8');
    expect(text).toContain('"predictions/a.png"');
  });

  it('of another version is refused', async () => {
    await writeFile(auditPaths(dir).record, JSON.stringify({ ...record, formatVersion: 2 }));
    await expect(readRecord(dir)).rejects.toThrow('audit.json was written by a newer sam-native (format 2');
    await writeFile(auditPaths(dir).record, JSON.stringify({ ...record, formatVersion: 0 }));
    await expect(readRecord(dir)).rejects.toThrow('is not an audit of this version');
  });
});
