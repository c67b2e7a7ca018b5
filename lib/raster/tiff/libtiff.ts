/**
 * The libtiff within sharp, as a decoder of single strips and tiles: they are wrapped into a TIFF of their own. It is fast, runs on a
 * thread of its own, and fails where something can't be unpacked, which it does not for tiles of a whole file.
 */
import sharp from 'sharp';
import type { Page } from './tags.js';

/** A tag: its number, its values, and their type (3 short, 4 long, 7 bytes). */
type Entry = readonly [tag: number, type: 3 | 4 | 7, values: ArrayLike<number>];

/** Bytes of a value of each type. */
const SIZE = { 3: 2, 4: 4, 7: 1 } as const;

/** Unpacks strips of a code that knows nothing of pixels (LZW, PackBits): `rows` rows of `rowBytes` bytes, `stripRows` in each strip. */
export async function unpackBytes(
  strips: readonly Uint8Array[],
  {
    compression,
    rowBytes,
    rows,
    stripRows,
  }: { compression: number; rowBytes: number; rows: number; stripRows: number },
): Promise<Uint8Array> {
  const shape = { width: rowBytes, rows, stripRows };
  const file = wrap(strips, shape, [
    [258, 3, [8]],
    [259, 3, [compression]],
    [262, 3, [1]],
    [277, 3, [1]],
  ]);
  return (await samplesOf(file, 'b-w')).samples;
}

/** Unpacks strips of a code for pictures (JPEG, fax). Returns 8 bits for each sample; YCbCr becomes RGB. */
export async function unpackPicture(
  page: Page,
  strips: readonly Uint8Array[],
  rows: number,
): Promise<{ samples: Uint8Array; channels: number }> {
  const channels = page.planar ? 1 : page.samples;
  const file = wrap(strips, { width: page.blockWidth, rows, stripRows: page.blockHeight }, [
    [258, 3, new Array(channels).fill(page.bits)],
    [259, 3, [page.compression]],
    [262, 3, [page.planar ? 1 : page.photometric]],
    [266, 3, [page.bitsReversed ? 2 : 1]],
    [277, 3, [channels]],
    [292, 4, [page.faxOptions[0]]],
    [293, 4, [page.faxOptions[1]]],
    ...(page.extraSamples.length > 0 && !page.planar ? [[338, 3, page.extraSamples] as const] : []),
    ...(page.jpegTables === undefined ? [] : [[347, 7, page.jpegTables] as const]),
    ...(page.subsampling.length === 2 ? [[530, 3, page.subsampling] as const] : []),
  ]);
  return samplesOf(file, channels === 1 ? 'b-w' : channels === 4 && page.extraSamples.length === 0 ? 'cmyk' : 'srgb');
}

async function samplesOf(file: Uint8Array, space: string): Promise<{ samples: Uint8Array; channels: number }> {
  const picture = sharp(file, { failOn: 'warning', limitInputPixels: false, ignoreIcc: true });
  if (space === 'cmyk') picture.pipelineColourspace('cmyk');
  const { data, info } = await picture.toColourspace(space).raw().toBuffer({ resolveWithObject: true });
  return { samples: new Uint8Array(data.buffer, data.byteOffset, data.byteLength), channels: info.channels };
}

/** Writes a little-endian TIFF of one page around packed strips. */
function wrap(
  strips: readonly Uint8Array[],
  { width, rows, stripRows }: { width: number; rows: number; stripRows: number },
  entries: readonly Entry[],
): Buffer {
  const starts: number[] = [];
  let end = 8;
  for (const strip of strips) {
    starts.push(end);
    end += strip.length + (strip.length % 2);
  }
  const all = [
    ...entries,
    [256, 4, [width]],
    [257, 4, [rows]],
    [273, 4, starts],
    [278, 4, [stripRows]],
    [279, 4, strips.map(({ length }) => length)],
  ].toSorted((a, b) => (a[0] as number) - (b[0] as number)) as Entry[];
  const directory = end;
  end += 2 + 12 * all.length + 4;
  const places = all.map(([, type, values]) => {
    const place = end;
    const bytes = values.length * SIZE[type];
    if (bytes > 4) end += bytes + (bytes % 2);
    return place;
  });
  const file = Buffer.alloc(end);
  file.write('II*\0', 'latin1');
  file.writeUInt32LE(directory, 4);
  strips.forEach((strip, index) => {
    file.set(strip, starts[index]!);
  });
  file.writeUInt16LE(all.length, directory);
  all.forEach(([tag, type, values], index) => {
    const at = directory + 2 + 12 * index;
    file.writeUInt16LE(tag, at);
    file.writeUInt16LE(type, at + 2);
    file.writeUInt32LE(values.length, at + 4);
    const inside = values.length * SIZE[type] <= 4;
    if (!inside) file.writeUInt32LE(places[index]!, at + 8);
    const from = inside ? at + 8 : places[index]!;
    for (let n = 0; n < values.length; n++) file.writeUIntLE(values[n]!, from + n * SIZE[type], SIZE[type]);
  });
  return file;
}
