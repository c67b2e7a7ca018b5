/** What `prompts` and `prompts --tune` say of labels; `train`, `audit` and `evaluate` have their own tests. */
import { join } from 'node:path';
import sharp from 'sharp';
import { expect, test } from 'vitest';
import { previewPrompts } from '../../lib/tasks/preview/preview.js';
import { fitRoughMask } from '../../lib/tasks/rough-thresholds/fit-rough-mask.js';
import { temporaryFolder, write } from '../data/pictures.js';

const [WIDTH, HEIGHT] = [64, 48];
const raw = { width: WIDTH, height: HEIGHT, channels: 1 } as const;

/** Pictures of a bright disk, whose masks are JPEGs. */
async function dataSet(orientation = 1): Promise<string> {
  const root = await temporaryFolder();
  const disk = Uint8Array.from({ length: WIDTH * HEIGHT }, (_, at) =>
    Math.hypot((at % WIDTH) - 30, Math.floor(at / WIDTH) - 24) < 15 ? 255 : 40,
  );
  for (const name of ['a', 'b', 'c']) {
    const image = await sharp(disk, { raw }).withMetadata({ orientation }).png().toBuffer();
    await write(join(root, 'train', 'images', `${name}.png`), image);
    const mask = disk.map((value) => (value === 40 ? 0 : value));
    const jpeg = await sharp(mask, { raw }).toColourspace('b-w').jpeg({ quality: 60 }).toBuffer();
    await write(join(root, 'train', 'masks', `${name}.jpg`), jpeg);
  }
  return root;
}

const BETWEEN = /^mask .*masks\/a\.jpg, and 2 more of 3, has values between two ends/;

test('prompts: each doubt once, and half of the edge', async () => {
  const warnings: string[] = [];
  const data = await dataSet(3);
  const { items } = await previewPrompts(
    { data, split: 'train', out: join(data, 'out') },
    { onWarning: (line) => warnings.push(line) },
  );
  expect(warnings).toEqual([
    expect.stringMatching(BETWEEN),
    expect.stringMatching(/and 2 more of 3, belongs to a picture that its EXIF orientation turns/),
  ]);
  for (const { maskArea } of items) expect(maskArea).toBeCloseTo(Math.PI * 15 ** 2, -2);
});

test('prompts --tune: each doubt once', async () => {
  const warnings: string[] = [];
  const data = await dataSet();
  const out = join(data, 'rough.yaml');
  const { meanIou } = await fitRoughMask({ data, split: 'train', out }, { onWarning: (line) => warnings.push(line) });
  expect(warnings).toEqual([expect.stringMatching(BETWEEN)]);
  expect(meanIou).toBeGreaterThan(0.9);
});
