/**
 * The codes that strips and tiles of TIFFs are packed with: who unpacks each, and the names of those that nobody here does. What can't
 * be unpacked whole is an error, whatever the code.
 */
import { promisify } from 'node:util';
import { inflate } from 'node:zlib';
import sharp from 'sharp';
import { ZSTDDecoder } from 'zstddec';
import { lerc } from '../geotiff.js';
import { unpackBytes, unpackPicture } from './libtiff.js';
import { type RowShape, rowBytesOf, type Samples, samplesFor, unpackSamples } from './samples.js';
import { COMPRESSION, FORMAT, NotRead, type Page, PHOTOMETRIC } from './tags.js';

/** What is packed: strips that follow each other, or one tile. */
export interface Packed {
  readonly parts: readonly Uint8Array[];
  /** Rows of all parts together. */
  readonly rows: number;
  /** Rows of each part but, of strips, the last. */
  readonly partRows: number;
  readonly row: RowShape;
}

const inflated: (part: Uint8Array) => Promise<Uint8Array> = promisify(inflate);

type Codec = (page: Page, packed: Packed) => Promise<Samples>;

/** Codes that are read: who unpacks them. The names are those of docs/data.md. */
const CODECS: Readonly<Record<number, { readonly name: string; readonly reader: string; readonly unpack: Codec }>> = {
  [COMPRESSION.none]: { name: 'none', reader: 'here', unpack: bytewise(async (part) => part) },
  2: { name: 'CCITT RLE', reader: 'libtiff (sharp)', unpack: pictures },
  3: { name: 'CCITT fax 3', reader: 'libtiff (sharp)', unpack: pictures },
  4: { name: 'CCITT fax 4', reader: 'libtiff (sharp)', unpack: pictures },
  [COMPRESSION.lzw]: { name: 'LZW', reader: 'libtiff (sharp)', unpack: byLibtiff },
  [COMPRESSION.jpeg]: { name: 'JPEG', reader: 'libtiff (sharp)', unpack: pictures },
  [COMPRESSION.deflate]: { name: 'deflate', reader: 'zlib (Node.js)', unpack: bytewise((part) => inflated(part)) },
  [COMPRESSION.oldDeflate]: { name: 'deflate', reader: 'zlib (Node.js)', unpack: bytewise((part) => inflated(part)) },
  [COMPRESSION.packBits]: { name: 'PackBits', reader: 'libtiff (sharp)', unpack: byLibtiff },
  [COMPRESSION.lerc]: { name: 'LERC', reader: 'lerc', unpack: byLerc },
  [COMPRESSION.png]: { name: 'PNG', reader: 'sharp', unpack: byOwnHeader },
  [COMPRESSION.zstd]: { name: 'ZSTD', reader: 'zstddec', unpack: bytewise(zstd) },
  [COMPRESSION.webp]: { name: 'WebP', reader: 'sharp', unpack: byOwnHeader },
};

/** Names of codes that are not read. */
const UNREAD: Readonly<Record<number, string>> = {
  6: 'JPEG of the old style (TIFF 6.0)',
  9: 'JBIG (T.85)',
  10: 'JBIG (T.43)',
  32766: 'NeXT RLE',
  32809: 'ThunderScan',
  32908: 'PIXTIFF',
  32909: 'PixarLog',
  33003: 'JPEG 2000 (Aperio)',
  33005: 'JPEG 2000 (Aperio)',
  34661: 'JBIG',
  34676: 'SGI Log',
  34677: 'SGI Log 24',
  34712: 'JPEG 2000',
  34713: "Nikon's NEF",
  34892: 'lossy JPEG of DNG',
  34925: 'LZMA',
  34926: 'ZSTD (old number)',
  34934: 'JPEG XR',
  22610: 'JPEG XR',
  48124: 'Jetraw',
  50002: 'JPEG XL',
  52546: 'JPEG XL (DNG)',
};

/** Codes that are read and those that are known but not read, for the documentation, which a test holds against them. */
export const CODES = { read: CODECS, unread: UNREAD };

/** Refuses a page of a code that nobody here unpacks, by the code's name. */
export function requireCodec({ compression, photometric, subsampling, predictor }: Page): void {
  if (CODECS[compression] === undefined) {
    throw new NotRead(`it is compressed with ${UNREAD[compression] ?? `code ${compression}`}, which is not read here`);
  }
  if (
    photometric === PHOTOMETRIC.yCbCr &&
    !isJpeg(compression) &&
    (subsampling[0] ?? 2) * (subsampling[1] ?? 2) !== 1
  ) {
    throw new NotRead('its colours are YCbCr with fewer pixels of colour than of light, but not JPEG');
  }
  if (predictor !== 1 && predictor !== 2 && predictor !== 3) throw new NotRead(`it has the predictor ${predictor}`);
}

const isJpeg = (compression: number) => compression === COMPRESSION.jpeg || compression === COMPRESSION.webp;

/** Tells whether a page's samples come out of its code as RGB, whatever the tags say. */
export function unpacksToRgb({ compression, photometric, planar }: Page): boolean {
  return photometric === PHOTOMETRIC.yCbCr && isJpeg(compression) && !planar;
}

/** Unpacks a block into samples, row by row, those of a pixel together. Throws where any of it can't be unpacked. */
export async function unpack(page: Page, packed: Packed): Promise<Samples> {
  const { row, rows } = packed;
  const samples = await CODECS[page.compression]!.unpack(page, packed);
  if (samples.length < rows * row.width * row.channels) {
    throw new Error(`a block holds ${samples.length} of ${rows * row.width * row.channels} samples`);
  }
  return samples;
}

/** Makes a codec of one that unpacks a part to bytes. */
function bytewise(unpackPart: (part: Uint8Array, bytes: number) => Promise<Uint8Array>): Codec {
  return async (page, { parts, rows, partRows, row }) => {
    const rowBytes = rowBytesOf(page, row);
    const bytes = new Uint8Array(rows * rowBytes);
    await Promise.all(
      parts.map(async (part, index) => {
        const wanted = Math.min(partRows, rows - index * partRows) * rowBytes;
        const unpacked = await unpackPart(page.bitsReversed ? reversed(part) : part, partRows * rowBytes);
        if (unpacked.length < wanted) throw new Error(`a block unpacks to ${unpacked.length} of ${wanted} bytes`);
        bytes.set(unpacked.subarray(0, wanted), index * partRows * rowBytes);
      }),
    );
    return unpackSamples(page, bytes, rows, row);
  };
}

function reversed(bytes: Uint8Array): Uint8Array {
  return bytes.map((byte) => {
    let turned = 0;
    for (let bit = 0; bit < 8; bit++) if (byte & (1 << bit)) turned |= 128 >> bit;
    return turned;
  });
}

async function byLibtiff(page: Page, { parts, rows, partRows, row }: Packed): Promise<Samples> {
  const strips = page.bitsReversed ? parts.map(reversed) : parts;
  const shape = { compression: page.compression, rowBytes: rowBytesOf(page, row), rows, stripRows: partRows };
  return unpackSamples(page, await unpackBytes(strips, shape), rows, row);
}

async function pictures(page: Page, { parts, rows, row }: Packed): Promise<Samples> {
  if (page.bits > 8) throw new NotRead(`it is compressed with JPEG of ${page.bits} bits, which is not read here`);
  const { samples, channels } = await unpackPicture(page, parts, rows);
  if (channels !== row.channels) throw new Error(`its JPEG has ${channels} channels, its tags say ${row.channels}`);
  if (page.bits === 1) for (let at = 0; at < samples.length; at++) samples[at] = samples[at]! > 0 ? 1 : 0;
  if (page.bits === 1 && page.photometric === PHOTOMETRIC.minIsWhite) {
    for (let at = 0; at < samples.length; at++) samples[at] = 1 - samples[at]!;
  }
  return samples;
}

/** Unpacks a part that is a picture with a header of its own. */
async function byOwnHeader(page: Page, { parts, rows, partRows, row }: Packed): Promise<Samples> {
  const wide = page.bits === 16;
  const all = samplesFor(page, rows * row.width * row.channels);
  for (const [index, part] of parts.entries()) {
    const picture = sharp(part, { failOn: 'error', limitInputPixels: false, ignoreIcc: true });
    const grey = row.channels <= 2;
    const space = wide ? (grey ? 'grey16' : 'rgb16') : grey ? 'b-w' : 'srgb';
    const { data, info } = await picture
      .toColourspace(space)
      .raw({ depth: wide ? 'ushort' : 'uchar' })
      .toBuffer({ resolveWithObject: true });
    const { channels } = info;
    const values = wide ? new Uint16Array(data.buffer, data.byteOffset, data.length / 2) : data;
    const wanted = Math.min(partRows, rows - index * partRows);
    if (info.width !== row.width || info.height < wanted) {
      throw new Error(`a block is ${info.width} x ${info.height} pixels`);
    }
    // A picture without its alpha is opaque everywhere: WebP leaves it out.
    const opaque = channels === row.channels - 1 ? 255 : undefined;
    if (channels !== row.channels && opaque === undefined) throw new Error(`a block has ${channels} channels`);
    for (let pixel = 0; pixel < wanted * row.width; pixel++) {
      const to = (index * partRows * row.width + pixel) * row.channels;
      for (let channel = 0; channel < row.channels; channel++) {
        all[to + channel] = channel < channels ? values[pixel * channels + channel]! : opaque!;
      }
    }
  }
  return all;
}

let zstdReady: Promise<ZSTDDecoder> | undefined;

async function loadZstd(): Promise<ZSTDDecoder> {
  const decoder = new ZSTDDecoder();
  await decoder.init();
  return decoder;
}

/**
 * Unpacks Zstandard.
 *
 * @param most most bytes that come of it: told beforehand, the decoder keeps within them, and hands back nothing of what is broken.
 */
async function zstd(part: Uint8Array, most: number): Promise<Uint8Array> {
  zstdReady ??= loadZstd();
  const unpacked = (await zstdReady).decode(part, most);
  if (unpacked.length === 0) throw new Error('a block is no whole Zstandard');
  return unpacked;
}

/** Unpacks LERC, by itself or packed once more; real numbers that it marks as missing become NaN. */
async function byLerc(page: Page, { parts, rows, partRows, row }: Packed): Promise<Samples> {
  const [, more = 0] = page.lercParameters;
  const all = samplesFor(page, rows * row.width * row.channels);
  const most = 2 * all.byteLength + 2 ** 16; // LERC of noise is a little larger than the samples
  for (const [index, part] of parts.entries()) {
    const plain = more === 1 ? await inflated(part) : more === 2 ? await zstd(part, most) : part;
    const { pixels, mask, width, height } = lerc().decode(new Uint8Array(plain).buffer, {
      returnPixelInterleavedDims: true,
    });
    const values = pixels.length === 1 ? pixels[0]! : interleaved(pixels);
    const wanted = Math.min(partRows, rows - index * partRows);
    if (width !== row.width || height < wanted || values.length !== width * height * row.channels) {
      throw new Error(`a block is ${width} x ${height} pixels`);
    }
    if (mask != null && page.format === FORMAT.real) {
      for (let at = 0; at < values.length; at++) if (mask[Math.floor(at / row.channels)] === 0) values[at] = Number.NaN;
    }
    all.set(values.subarray(0, wanted * width * row.channels), index * partRows * width * row.channels);
  }
  return all;
}

function interleaved<Values extends Samples>(bands: readonly Values[]): Values {
  const [first] = bands;
  const all = new (first!.constructor as new (length: number) => Values)(first!.length * bands.length);
  bands.forEach((band, index) => {
    for (let at = 0; at < band.length; at++) all[at * bands.length + index] = band[at]!;
  });
  return all;
}
