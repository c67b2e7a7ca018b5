/** Labels as programs leave them: which of their values are inside, and what is said of them. */
import sharp from 'sharp';
import { describe, expect, test } from 'vitest';
import { randomFor } from '../../lib/core/random.js';
import { decodeMask, imageSize, openLabel } from '../../lib/data/decode.js';
import { LabelGatherer } from '../../lib/data/inside.js';
import type { Mask } from '../../lib/data/sample.js';
import { cropped } from '../../lib/raster/windows.js';
import { geoTiff } from '../raster/rasters.js';
import { grey } from './pictures.js';

const [WIDTH, HEIGHT] = [320, 240];
const pixels = (value: (x: number, y: number) => number) =>
  Uint8Array.from({ length: WIDTH * HEIGHT }, (_, at) => value(at % WIDTH, Math.floor(at / WIDTH)));
const raw = { width: WIDTH, height: HEIGHT, channels: 1 } as const;
const picture = (values: Uint8Array | Uint16Array) => sharp(values, { raw }).toColourspace('b-w');

async function labelOf(bytes: Buffer, size: { width: number; height: number } = raw): Promise<Mask> {
  const image = { path: 'image', bytes: await grey(9, size.width, size.height) };
  const sample = { name: 'a', image, mask: { path: 'a.png', bytes } };
  return decodeMask(sample, await imageSize(sample));
}

const area = ({ values }: Mask) => values.reduce((sum, value) => sum + value, 0);

const disk = pixels((x, y) => (Math.hypot(x - 150, y - 120) < 60 ? 255 : 0));
const square = pixels((x, y) => (x > 42 && x < 201 && y > 50 && y < 170 ? 255 : 0));
const crack = pixels((x, y) => (Math.abs(y - 120 - 60 * Math.sin(x / 30)) < 2 ? 255 : 0));
const land = disk.map((value) => 255 - value);

describe('a JPEG of one mask has the pixels of that mask', () => {
  for (const [shape, values] of Object.entries({ disk, square, crack, land })) {
    for (const quality of [30, 40, 60, 75, 90]) {
      test(`${shape}, quality ${quality}`, async () => {
        const truth = values.map((value) => value / 255);
        const wrong = ({ values: found }: Mask) =>
          found.reduce((sum, value, at) => sum + Number(value !== truth[at]), 0);
        for (const file of [
          await picture(values).jpeg({ quality }).toBuffer(),
          await sharp(await picture(values).toColourspace('srgb').png().toBuffer())
            .jpeg({ quality })
            .toBuffer(),
        ]) {
          const label = await labelOf(file);
          expect(label.doubts).toEqual(['between']);
          expect(wrong(label)).toBeLessThan(0.01 * truth.reduce((sum, value) => sum + value, 0));
        }
      });
    }
  }

  test('of 0 and 128 too', async () => {
    const label = await labelOf(
      await picture(disk.map((value) => value && 128))
        .jpeg()
        .toBuffer(),
    );
    expect(label.doubts).toEqual(['between']);
    expect(area(label)).toBeCloseTo(area({ ...raw, values: disk }) / 255, -2);
  });
});

test.each([20, 50, 80, 90])('a lossy WebP of one mask has the pixels of that mask, quality %i', async (quality) => {
  for (const values of [disk, crack]) {
    const label = await labelOf(await picture(values).webp({ quality }).toBuffer());
    expect(label.doubts).toEqual(['between']);
    const truth = area({ ...raw, values }) / 255;
    expect(Math.abs(area(label) - truth)).toBeLessThan(0.05 * truth);
  }
});

test('a smooth edge, or a probability, of 16 bits or real numbers is cut at half, whole and in windows', async () => {
  const soft = pixels((x, y) => 255 / (1 + Math.exp((Math.hypot(x - 150, y - 120) - 60) / 1.5)));
  const wide = Uint16Array.from(soft, (value) => value * 257);
  const real = geoTiff([Float32Array.from(soft, (value) => value / 255)], WIDTH, HEIGHT);
  const half = soft.reduce((sum, value) => sum + Number(value > 127), 0);
  for (const bytes of [await picture(wide).png().toBuffer(), Buffer.from(real)]) {
    const label = await labelOf(bytes);
    expect(label.doubts).toEqual(['between']);
    expect(Math.abs(area(label) - half)).toBeLessThan(0.01 * half);
    const again = await openLabel({ path: 'a', bytes });
    const window = { x: 70, y: 40, width: 100, height: 90 };
    expect((await again.read(window)).values).toEqual(cropped(label.values, WIDTH, window));
    await again.close();
  }
});

test('a window has the pixels of the whole', async () => {
  const bytes = await picture(disk).jpeg({ quality: 60 }).toBuffer();
  const label = await openLabel({ path: 'a', bytes });
  const { values } = await label.readAll();
  await label.close();
  const again = await openLabel({ path: 'a', bytes });
  const window = { x: 70, y: 40, width: 100, height: 90 };
  expect((await again.read(window)).values).toEqual(cropped(values, WIDTH, window));
  await again.close();
});

describe('of smooth edges the outer half is outside', () => {
  test.each(['nearest', 'linear', 'cubic', 'lanczos3'] as const)('a mask made smaller, %s', async (kernel) => {
    const size = { width: 213, height: 160 };
    const file = await picture(disk)
      .resize({ ...size, kernel })
      .png()
      .toBuffer();
    const label = await labelOf(file, size);
    expect(label.doubts).toEqual(kernel === 'nearest' ? undefined : ['between']);
    expect(area(label)).toBeGreaterThan(0.985 * Math.PI * 40 ** 2);
    expect(area(label)).toBeLessThan(1.015 * Math.PI * 40 ** 2);
  });

  test('a polygon that a drawing program has filled', async () => {
    const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${HEIGHT}">
      <rect width="100%" height="100%" fill="black"/><polygon points="20,30 290,80 170,220 60,200" fill="white"/></svg>`;
    const colours = await sharp(Buffer.from(svg)).removeAlpha().png().toBuffer();
    const label = await labelOf(colours);
    expect(label.doubts).toEqual(['between']);
    expect(area(label)).toBeGreaterThan(0.995 * 30_850);
    expect(area(label)).toBeLessThan(1.005 * 30_850);
  });
});

describe('values that mean something are all inside', () => {
  /** Disks of the given values, some of them over others. */
  const cells = (ids: readonly number[], count = 60) => {
    const random = randomFor(1, 0, 'cells', 0);
    const drawn = Array.from({ length: count }, (_, index) => ({
      x: random.uniform(0, WIDTH),
      y: random.uniform(0, HEIGHT),
      radius: random.uniform(2, 14),
      id: ids[index % ids.length]!,
    }));
    return pixels((x, y) => drawn.findLast((cell) => Math.hypot(x - cell.x, y - cell.y) < cell.radius)?.id ?? 0);
  };
  const upTo = (most: number) => Array.from({ length: most }, (_, index) => index + 1);
  const border = pixels((x, y) => {
    const distance = Math.abs(Math.hypot(x - 150, y - 120) - 60);
    return distance < 1 ? 128 : Math.hypot(x - 150, y - 120) < 60 ? 255 : 0;
  });

  test.each([
    ['two', disk],
    ['one of 0 and 1', disk.map((value) => value && 1)],
    ['classes 1 and 2', cells([1, 2])],
    ['0, 128 and 255', cells([128, 255])],
    ['a small 128 beside a large 255', disk.map((value, at) => (value === 0 && at % WIDTH > 300 ? 128 : value))],
    ['a border of another value', border],
    ['twenty classes', cells(upTo(20))],
    ['ids up to 60', cells(upTo(60))],
    ['ids up to 255', cells(upTo(255), 255)],
    [
      'specks with ids',
      cells(upTo(255), 255).map((value, at) => (at % 3 === 0 && Math.floor(at / WIDTH) % 3 === 0 ? value : 0)),
    ],
    ['classes every 7', cells(upTo(36).map((id) => 7 * id))],
    ['classes beside a large 255', cells(upTo(90)).map((value, at) => Math.max(value, square[at]!))],
  ])('%s', async (_, values) => {
    for (const file of [
      await picture(values).png().toBuffer(),
      await picture(values).tiff({ compression: 'lzw' }).toBuffer(),
    ]) {
      const label = await labelOf(file);
      expect(label.values.findIndex((value, at) => value !== (values[at] ? 1 : 0))).toBe(-1);
      expect(label.doubts ?? []).not.toContain('between');
      expect(label.doubts ?? []).not.toContain('shades');
    }
  });

  test('ids of 16 bits, and colours of a palette', async () => {
    const ids = Uint16Array.from(cells(upTo(200)), (value) => value * 300);
    const inside = Uint8Array.from(ids, (value) => (value ? 1 : 0));
    const wide = await sharp(ids, { raw }).toColourspace('grey16').png().toBuffer();
    expect(await labelOf(wide)).toEqual({ width: WIDTH, height: HEIGHT, values: inside });
    const classes = cells(upTo(20));
    const rgb = Uint8Array.from(
      { length: classes.length * 3 },
      (_, at) => (classes[Math.floor(at / 3)]! * 37 * ((at % 3) + 1)) % 256,
    );
    const palette = await sharp(rgb, { raw: { ...raw, channels: 3 } })
      .png({ palette: true })
      .toBuffer();
    expect(await labelOf(palette)).toEqual({
      width: WIDTH,
      height: HEIGHT,
      values: classes.map((value) => (value ? 1 : 0)),
    });
  });
});

describe("a value that elsewhere means 'no label' is inside, and doubted", () => {
  const withVoid = (none: number, one = 1) => Array.from(disk, (value, at) => (at % WIDTH < 60 ? none : value && one));

  test('255 beside 0 and 1, of 8 and 16 bits', async () => {
    for (const file of [
      await picture(Uint8Array.from(withVoid(255)))
        .png()
        .toBuffer(),
      await picture(Uint8Array.from(withVoid(255, 20)))
        .png()
        .toBuffer(),
      await sharp(Uint16Array.from(withVoid(65535)), { raw })
        .toColourspace('grey16')
        .png()
        .toBuffer(),
    ]) {
      const label = await labelOf(file);
      expect(label.doubts).toEqual(['void']);
      expect(area(label)).toBeGreaterThan(60 * HEIGHT);
    }
  });

  test('-1 and -9999 of signed and real numbers, but not where they are no label', () => {
    for (const none of [-1, -9999]) {
      for (const samples of [Int16Array.from(withVoid(none)), Float64Array.from(withVoid(none))]) {
        const doubtsOf = (seen?: Uint8Array) => {
          const gathered = new LabelGatherer(samples.length);
          gathered.add([samples], 0, seen);
          return gathered.findings(WIDTH).doubts;
        };
        expect(doubtsOf()).toEqual(['void']);
        expect(doubtsOf(Uint8Array.from(samples, (value) => (value === none ? 0 : 1)))).toEqual([]);
      }
    }
  });

  test("the colour of Pascal VOC's borders, beside colours of its classes", async () => {
    const coloured = (border: readonly number[]) =>
      Uint8Array.from({ length: 3 * disk.length }, (_, at) => {
        const pixel = Math.floor(at / 3);
        return pixel % WIDTH < 9 ? border[at % 3]! : disk[pixel] && at % 3 === 0 ? 128 : 0;
      });
    const png = (values: Uint8Array) =>
      sharp(values, { raw: { ...raw, channels: 3 } })
        .png()
        .toBuffer();
    expect((await labelOf(await png(coloured([224, 224, 192])))).doubts).toEqual(['void']);
    expect((await labelOf(await png(coloured([192, 128, 0])))).doubts).toBeUndefined();
  });

  test('254 beside 255, the greatest of int8, and an immense real number', async () => {
    const classes = (none: number, more = none) => pixels((x) => (x < 40 ? none : x < 60 ? more : x < 150 ? 1 : 0));
    expect((await labelOf(await picture(classes(255, 254)).png().toBuffer())).doubts).toEqual(['void']);
    const gathered = new LabelGatherer(4);
    gathered.add([Int8Array.of(0, 1, 2, 127)], 0);
    expect(gathered.findings(4).doubts).toEqual(['void']);
    const real = new LabelGatherer(4);
    real.add([Float32Array.of(0, 1, 2, 3.4e38)], 0);
    expect(real.findings(4).doubts).toEqual(['void']);
  });

  test('not of two values, nor where the others are no classes', async () => {
    for (const values of [disk, Uint8Array.from(withVoid(0)), Uint8Array.from(withVoid(255, 200))]) {
      expect((await labelOf(await picture(values).png().toBuffer())).doubts).toBeUndefined();
    }
  });
});

test('a photograph, or a probability, is doubted, and all but 0 of it inside', async () => {
  const probability = pixels((x, y) => 255 / (1 + Math.exp((Math.hypot(x - 150, y - 120) - 60) / 15)));
  const label = await labelOf(await picture(probability).png().toBuffer());
  expect(label).toMatchObject({ doubts: ['shades'], values: probability.map((value) => (value ? 1 : 0)) });
});

test('CMYK is doubted', async () => {
  const cmyk = await picture(disk).toColourspace('cmyk').jpeg({ quality: 100 }).toBuffer();
  const label = await labelOf(cmyk);
  expect(label.doubts).toContain('cmyk');
});

describe('a picture that is turned without another size', () => {
  const turned = async (orientation: number, width: number, height: number, own = 1) => {
    const background = '#808080';
    const image = await sharp({ create: { width, height, channels: 3, background } })
      .withMetadata({ orientation })
      .png()
      .toBuffer();
    const mask = await sharp({ create: { width, height, channels: 3, background } })
      .withMetadata({ orientation: own })
      .png()
      .toBuffer();
    const sample = { name: 'a', image: { path: 'i', bytes: image }, mask: { path: 'm', bytes: mask } };
    return (await decodeMask(sample, await imageSize(sample))).doubts;
  };

  test('leaves it open how its label was drawn', async () => {
    for (const orientation of [2, 3, 4]) expect(await turned(orientation, 4, 3)).toEqual(['orientation']);
    for (const orientation of [2, 3, 4, 5, 6, 7, 8]) expect(await turned(orientation, 4, 4)).toEqual(['orientation']);
  });

  test('or says nothing: upright, or the label says the same itself', async () => {
    expect(await turned(1, 4, 4)).toBeUndefined();
    for (const orientation of [3, 6]) expect(await turned(orientation, 4, 4, orientation)).toBeUndefined();
    expect(await turned(6, 4, 3, 6)).toBeUndefined();
  });
});
