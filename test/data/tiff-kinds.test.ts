/** Every kind of TIFF by every road: the same pixels, which are those that tifffile or GDAL read (`scripts/make_tiff_fixtures.py`). */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { inflateSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { readBands } from '../../lib/data/bands.js';
import { decodeImage, decodeMask, decodeValid, imageSize, openLabel, openPixels } from '../../lib/data/decode.js';
import { geotiff } from '../../lib/raster/geotiff.js';
import { Raster } from '../../lib/raster/raster.js';
import { findStretch, toByte } from '../../lib/raster/stretch.js';
import { CODES } from '../../lib/raster/tiff/codecs.js';
import { readPage } from '../../lib/raster/tiff/tags.js';

const FOLDER = new URL('../fixtures/tiff/', import.meta.url).pathname;

interface Packed {
  shape: number[];
  type: 'f8' | 'u1';
  data: string;
}
interface Kind {
  bands: Packed;
  rgb?: Packed;
  valid?: Packed;
}
const right: { kinds: Record<string, Kind>; refused: Record<string, string> } = JSON.parse(
  await readFile(join(FOLDER, 'right.json'), 'utf8'),
);

function unpacked({ type, data }: Packed): Float64Array | Uint8Array {
  const bytes = new Uint8Array(inflateSync(Buffer.from(data, 'base64')));
  return type === 'u1' ? bytes : new Float64Array(bytes.buffer);
}

const fileOf = (name: string) => ({ path: join(FOLDER, `${name}.tif`) });
const sampleOf = (name: string) => ({ name, image: fileOf(name) });

/** Windows that cut through strips and tiles. */
const windowsOf = (width: number, height: number) =>
  [0, 13, 40].flatMap((y, row) =>
    [0, 29, 31].map((x, column) => ({
      x,
      y,
      width: Math.min([29, 2, width][column]!, width - x),
      height: Math.min([13, 27, height][row]!, height - y),
    })),
  );

describe.each(Object.keys(right.kinds))('%s', (name) => {
  const kind = right.kinds[name]!;
  const [height, width, count] = kind.bands.shape as [number, number, number];
  const bands = unpacked(kind.bands);

  test('its bands are those of the reference', async () => {
    expect(await imageSize(sampleOf(name))).toMatchObject({ width, height });
    const read = await readBands(
      fileOf(name),
      Array.from({ length: count }, (_, band) => band + 1),
    );
    for (let band = 0; band < count; band++) {
      const expected = Float32Array.from({ length: width * height }, (_, at) => bands[at * count + band]!);
      expect(read.bands[band]).toEqual(expected);
    }
    if (kind.valid === undefined) return;
    const raster = await Raster.open(fileOf(name).path);
    const numbers = raster.colourBands.map((band) => band + 1);
    await raster.close();
    expect((await readBands(fileOf(name), numbers)).valid).toEqual(unpacked(kind.valid));
  });

  test('as a picture, whole and in windows', async () => {
    const whole = await decodeImage(sampleOf(name));
    const source = await openPixels(sampleOf(name));
    const raster = await Raster.open(fileOf(name).path);
    const colours = [...raster.colourBands];
    const chosen = colours.length < 3 ? [0, 0, 0] : colours.slice(0, 3);
    const { stretch } = await findStretch(raster, chosen);
    const byte = (value: number, colour: number) => (stretch[colour] ? toByte(value, stretch[colour]!) : value);
    const expected = Uint8Array.from({ length: width * height * 3 }, (_, at) =>
      byte(bands[Math.floor(at / 3) * count + chosen[at % 3]!]!, at % 3),
    );
    expect(whole.pixels).toEqual(kind.rgb === undefined ? expected : unpacked(kind.rgb));
    if (kind.valid !== undefined) expect(whole.valid).toEqual(unpacked(kind.valid));
    expect(await decodeValid(sampleOf(name), await imageSize(sampleOf(name)))).toEqual(whole.valid);
    for (const window of windowsOf(width, height)) {
      const part = await source.read(window);
      for (let y = 0; y < window.height; y++) {
        const from = ((window.y + y) * width + window.x) * 3;
        const row = part.pixels.subarray(y * window.width * 3, (y + 1) * window.width * 3);
        expect(row).toEqual(whole.pixels.subarray(from, from + window.width * 3));
      }
    }
    await source.close();
    await raster.close();
  });

  test('as a label, whole and in windows', async () => {
    const raster = await Raster.open(fileOf(name).path);
    const { colourBands, nodata } = raster;
    await raster.close();
    const valid = kind.valid === undefined ? undefined : unpacked(kind.valid);
    const inside = Uint8Array.from({ length: width * height }, (_, at) =>
      valid?.[at] !== 0 && colourBands.some((band) => Math.abs(bands[at * count + band]!) > 0) ? 1 : 0,
    );
    const mask = await decodeMask({ ...sampleOf(name), mask: fileOf(name) }, { width, height });
    expect(mask.values).toEqual(inside);
    // A 0 that means no data is the background.
    if (nodata !== undefined) expect(mask.labelled).toEqual(nodata === 0 ? undefined : valid);
    const label = await openLabel(fileOf(name));
    for (const window of windowsOf(width, height)) {
      const part = await label.read(window);
      for (let y = 0; y < window.height; y++) {
        const from = (window.y + y) * width + window.x;
        const row = part.values.subarray(y * window.width, (y + 1) * window.width);
        expect(row).toEqual(inside.subarray(from, from + window.width));
      }
    }
    await label.close();
  });
});

test.each(Object.entries(right.refused))(
  '%s is refused by its name, as a picture and as a label',
  async (code, says) => {
    const name = `refused-${code}`;
    const refusal = { code: 'SAM_BAD_DATA', message: expect.stringContaining(says) };
    await expect(decodeImage(sampleOf(name))).rejects.toMatchObject(refusal);
    await expect(imageSize(sampleOf(name))).rejects.toMatchObject(refusal);
    const mask = decodeMask({ ...sampleOf(name), mask: fileOf(name) }, { width: 70, height: 45 });
    await expect(mask).rejects.toMatchObject(refusal);
  },
);

/** Fills the first strip or tile of a file with zeros, which no code but 'none' takes for anything whole. */
async function withoutFirstBlock(name: string): Promise<{ bytes: Uint8Array; compression: number }> {
  const bytes = new Uint8Array(await readFile(fileOf(name).path));
  const tiff = await geotiff().fromArrayBuffer(bytes.slice().buffer);
  const page = await readPage(await tiff.getImage());
  const [offset, count] = [Number(page.offsets[0]), Number(page.counts[0])];
  bytes.fill(0, offset, offset + count);
  return { bytes, compression: page.compression };
}

test('a block that cannot be unpacked is an error, whatever its code', async () => {
  const codes = new Set<number>();
  for (const name of Object.keys(right.kinds)) {
    const { bytes, compression } = await withoutFirstBlock(name);
    if (compression === 1) continue;
    codes.add(compression);
    const file = { path: `damaged ${name}`, bytes };
    const damaged = {
      code: 'SAM_BAD_DATA',
      message: expect.stringContaining(`image damaged ${name} is truncated or broken`),
    };
    await expect(decodeImage({ name, image: file }), name).rejects.toMatchObject(damaged);
    await expect(decodeMask({ ...sampleOf(name), mask: file }, await imageSize(sampleOf(name))), name).rejects.toThrow(
      'truncated or broken',
    );
  }
  expect([...codes].sort((a, b) => a - b)).toEqual([3, 4, 5, 7, 8, 32773, 32946, 34887, 34933, 50000, 50001]);
});

test('CIELab (D65): white, red, green and blue of sRGB', async () => {
  const expected = [
    [255, 255, 255],
    [255, 0, 0],
    [0, 255, 0],
    [0, 0, 255],
  ].flat(); // Lab 100 0 0, 53 80 67, 88 -86 83, 32 79 -108
  const { pixels } = await decodeImage(sampleOf('cielab'));
  pixels.forEach((value, at) => {
    expect(Math.abs(value - expected[at]!)).toBeLessThanOrEqual(8); // Lab is in whole numbers
  });
});

test('docs/data.md lists what is read, by whom, and what is not', async () => {
  const docs = await readFile(new URL('../../docs/data.md', import.meta.url), 'utf8');
  const rows = docs.split('\n').filter((line) => line.startsWith('| '));
  for (const { name, reader } of Object.values(CODES.read)) {
    expect(
      rows.some((row) => row.endsWith(`| ${reader} |`) && row.split(/[|,]/).some((cell) => cell.trim() === name)),
    ).toBe(true);
  }
  for (const name of Object.values(CODES.unread)) expect(docs).toContain(name);
  expect(docs).toContain(`on ${Object.keys(right.kinds).length} kinds of file`);
});
