/** Names and lists as other people have them, on the command line: what is right is `right.json`'s of the cases that outsiders made. */
import { link, mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import sharp, { type Sharp } from 'sharp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { PredictImagesResult } from '../../lib/prediction/predict-images.js';
import type { PreviewResult } from '../../lib/tasks/preview/preview.js';
import { write } from '../data/pictures.js';
import { compile, runCli } from './run-cli.js';

const [WIDTH, HEIGHT] = [320, 240];
/** A disk of radius 60 at (150, 120), as `make_cases.py` draws it. */
const DISK = Uint8Array.from({ length: WIDTH * HEIGHT }, (_, at) =>
  ((at % WIDTH) - 150) ** 2 + (Math.floor(at / WIDTH) - 120) ** 2 < 60 ** 2 ? 255 : 0,
);
const AREA = DISK.reduce((sum, value) => sum + value / 255, 0);

let dir: string;
let picture: Buffer;
let mask: Sharp;
beforeAll(async () => {
  compile();
  dir = await mkdtemp(join(tmpdir(), 'sam-native-names-'));
  const pixels = Uint8Array.from({ length: WIDTH * HEIGHT * 3 }, (_, at) =>
    DISK[Math.floor(at / 3)] ? [30, 70, 160][at % 3]! : [80, 130, 60][at % 3]!,
  );
  picture = await sharp(pixels, { raw: { width: WIDTH, height: HEIGHT, channels: 3 } })
    .png()
    .toBuffer();
  mask = sharp(DISK, { raw: { width: WIDTH, height: HEIGHT, channels: 1 } }).toColourspace('b-w');
}, 600_000);
afterAll(() => rm(dir, { recursive: true, force: true }));

/** What `prompts --json` says of a data set: the areas of its masks, by the names of their pictures. */
async function areas(data: string): Promise<(string | number)[][]> {
  const outcome = await runCli(['prompts', '--data', data, '--out', join(dir, 'out'), '--json']);
  expect(outcome).toMatchObject({ code: 0 });
  const { items } = outcome.json<PreviewResult & Record<string, unknown>>();
  return items.map(({ image, maskArea }) => [basename(image).normalize('NFC'), maskArea]);
}

describe('names', () => {
  const png = () => mask.clone().png().toBuffer();

  test('another Unicode form, GIF, and 240 characters', async () => {
    const split = join(dir, 'folders', 'train');
    const long = 'n'.repeat(240);
    for (const name of ['\u00e9t\u00e9', 'a', long]) await write(join(split, 'images', `${name}.png`), picture);
    await write(join(split, 'masks', `${'\u00e9t\u00e9'.normalize('NFD')}.png`), await png());
    await write(join(split, 'masks', 'a.gif'), await mask.clone().gif().toBuffer());
    await write(join(split, 'masks', `${long}.png`), await png());
    expect(await areas(join(dir, 'folders'))).toEqual([
      ['a.png', AREA],
      [`${long}.png`, AREA],
      ['\u00e9t\u00e9.png', AREA],
    ]);
  }, 600_000);

  test('a byte-order mark', async () => {
    const list = await write(join(dir, 'bom', 'l.jsonl'), '\ufeff{"image": "a.png", "mask": "m.png"}\n');
    await write(join(dir, 'bom', 'a.png'), picture);
    await write(join(dir, 'bom', 'm.png'), await png());
    expect(await areas(list)).toEqual([['a.png', AREA]]);
  }, 600_000);
});

test.each([
  ['a flat polygon', [10, 10, 60, 10, 60, 60, 10, 60], 'a.png', '1'],
  ['NaN in a field that nobody reads', [[10, 10, 60, 10, 60, 60, 10, 60]], 'a.png', 'NaN'],
  ["Windows' backslashes", [[10, 10, 60, 10, 60, 60, 10, 60]], 'images\\a.png', '1'],
])(
  'COCO: %s',
  async (name, segmentation, file, area) => {
    const root = join(dir, name);
    await write(join(root, 'images', 'a.png'), picture);
    const images = [{ id: 1, file_name: file, width: WIDTH, height: HEIGHT }];
    const annotations = [{ id: 1, image_id: 1, category_id: 1, area: 'AREA', segmentation }];
    const text = JSON.stringify({ images, categories: [{ id: 1, name: 'w' }], annotations });
    await write(join(root, 'train.json'), text.replace('"AREA"', area));
    expect(await areas(root)).toEqual([['a.png', 2500]]);
  },
  600_000,
);

describe('predict', () => {
  const ask = (args: string[], cwd: string) =>
    runCli(['predict', ...args, '--model', 'mobile-sam', '--out', join(dir, 'masks'), '--json'], { cwd });

  test('behind -- a dash begins a name', async () => {
    const cwd = join(dir, 'dash');
    await write(join(cwd, '-dash.png'), picture);
    // Its options stand before; behind `--` everything is a name.
    const args = ['predict', '--model', 'mobile-sam', '--point', '150,120', '--out', join(dir, 'masks'), '--json'];
    const outcome = await runCli([...args, '--', '-dash.png'], { cwd });
    expect(outcome).toMatchObject({ code: 0 });
    expect(outcome.json<PredictImagesResult & Record<string, unknown>>().outputs[0]!.mask).toMatch(
      /masks\/-dash\.png$/,
    );
  }, 600_000);

  test('several boxes are refused: one mask would be of the last alone', async () => {
    const cwd = join(dir, 'boxes');
    await write(join(cwd, 'a.png'), picture);
    expect(await ask(['a.png', '--box', '80,50,220,190', '--box', '1,1,50,50'], cwd)).toMatchObject({
      code: 2,
      stderr:
        'error: --box is given 2 times: 80,50,220,190 1,1,50,50 — give one, and the others in calls of their own\n',
    });
  });

  test('of two masks of one name none is taken; a file given twice is predicted once, under any name', async () => {
    const cwd = join(dir, 'twice');
    await write(join(cwd, 'a.png'), picture);
    await mkdir(join(cwd, 'more'));
    await link(join(cwd, 'a.png'), join(cwd, 'more', 'b.png'));
    await write(join(cwd, 'm', 'a.png'), await mask.clone().png().toBuffer());
    await write(join(cwd, 'm', 'a.tif'), await mask.clone().tiff().toBuffer());
    expect(await ask(['a.png', '--masks', 'm'], cwd)).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('2 masks for a in m (--masks): a.png, a.tif'),
    });
    const outcome = await ask(['a.png', './a.png', 'more', '--point', '150,120'], cwd);
    expect(outcome).toMatchObject({ code: 0, stderr: expect.stringContaining('taken once') });
    expect(outcome.json<PredictImagesResult & Record<string, unknown>>().outputs).toHaveLength(1);
  }, 600_000);

  test('a name of 240 characters, with all that is written of it', async () => {
    const cwd = join(dir, 'long');
    const name = 'n'.repeat(240);
    await write(join(cwd, `${name}.png`), picture);
    const out = join(cwd, 'masks');
    const args = ['--point', '150,120', '--polygons', '--save-logits', '--out', out];
    expect(await runCli(['predict', `${name}.png`, ...args, '--model', 'mobile-sam'], { cwd })).toMatchObject({
      code: 0,
    });
    expect((await readdir(out)).sort()).toEqual([`${name}.geojson`, `${name}.png`, `${name}.safetensors`]);
  }, 600_000);
});
