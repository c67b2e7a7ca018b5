import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import sharp from 'sharp';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { decodeMask } from '../../../lib/data/decode.js';
import { Raster } from '../../../lib/raster/raster.js';
import { otherSplits, SampleCopies } from '../../../lib/tasks/audit/as-files.js';
import { writeSamples } from '../../training/fake.js';

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'sam-native-as-files-'));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

describe('rows of a manifest', () => {
  it('name files where they lie, by absolute paths', async () => {
    const sample = { name: 'a', image: { path: 'x/a.jpg' }, mask: { path: 'y/a.png' } };
    expect(await new SampleCopies(dir).rowOf(sample, 'train')).toEqual({
      name: 'a',
      split: 'train',
      image: resolve('x/a.jpg'),
      mask: resolve('y/a.png'),
    });
  });

  it('name copies of what is no file: a picture once, a drawn label as it is drawn', async () => {
    const jpeg = await sharp({ create: { width: 3, height: 2, channels: 3, background: '#123456' } })
      .jpeg()
      .toBuffer();
    const image = { path: 'train.parquet row 7 (image)', bytes: jpeg };
    const label = { values: Uint8Array.of(1, 0, 1, 0, 0, 1), width: 3, height: 2 };
    const mask = { path: 'outline 1', draw: async () => label };
    const files = new SampleCopies(dir);
    const first = await files.rowOf({ name: 'r#1', image, mask }, 'train');
    const second = await files.rowOf({ name: 'r#2', image, mask }, 'train');
    expect(first.image).toBe(join(dir, 'images', 'r#1.jpeg'));
    expect(second.image).toBe(first.image);
    expect(await readFile(first.image)).toEqual(jpeg);
    expect([first.mask, second.mask]).toEqual(
      ['r#1', 'r#2'].map((name) => join(dir, 'labels', 'train', `${name}.png`)),
    );
    const again = await decodeMask({ name: 'r', image: { path: first.image }, mask: { path: first.mask } }, label);
    expect(again).toEqual(label);
  });

  it('name a TIFF with a value for no data where a drawn label is not everywhere', async () => {
    const jpeg = await sharp({ create: { width: 3, height: 2, channels: 3, background: '#123456' } })
      .jpeg()
      .toBuffer();
    const label = {
      values: Uint8Array.of(1, 0, 0, 0, 0, 1),
      labelled: Uint8Array.of(1, 1, 0, 1, 0, 1),
      width: 3,
      height: 2,
    };
    const sample = { name: 'r', image: { path: 'row 7', bytes: jpeg }, mask: { path: 'x', draw: async () => label } };
    const { mask } = await new SampleCopies(dir).rowOf(sample, 'train');
    expect(mask).toBe(join(dir, 'labels', 'train', 'r.tif'));
    expect([...(await sharp(mask).toColourspace('b-w').raw().toBuffer())]).toEqual([255, 0, 127, 0, 127, 255]);
    const raster = await Raster.open(mask);
    expect(raster.nodata).toBe(127);
    await raster.close();
  });

  it('of the other splits are those with labels', async () => {
    for (const split of ['train', 'validation']) {
      await writeSamples(join(dir, 'flat', split), ['a', 'b']);
      for (const [kind, from] of [
        ['images', ''],
        ['masks', '-mask'],
      ] as const) {
        await mkdir(join(dir, 'set', split, kind), { recursive: true });
        for (const name of ['a', 'b'])
          await sharp(join(dir, 'flat', split, `${name}${from}.png`)).toFile(
            join(dir, 'set', split, kind, `${name}.png`),
          );
      }
    }
    await mkdir(join(dir, 'set', 'unlabelled', 'images'), { recursive: true });
    await sharp(join(dir, 'flat', 'train', 'a.png')).toFile(join(dir, 'set', 'unlabelled', 'images', 'a.png'));
    const options = { data: join(dir, 'set'), split: 'train', cacheDir: dir };
    const rows = await otherSplits(options, new SampleCopies(dir), undefined);
    expect(rows.map(({ split, name }) => `${split} ${name}`)).toEqual(['validation a', 'validation b']);
  });
});
