/** Pages of a TIFF: which of them are the picture, and which say where there is one. */
import type { GeoTIFF, GeoTIFFImage } from 'geotiff';
import { mendByteOrder } from '../big-endian.js';
import { NotRead, type Page, readPage } from './tags.js';

/** Bits of NewSubfileType: a smaller copy, and a mask. */
const [SMALLER, MASK] = [1, 4];

export interface Pages {
  /** The picture: one page, or three of one band, which are its colours. */
  readonly colours: readonly Page[];
  /** The page that says where there is a picture (GDAL's internal mask). */
  readonly mask: Page | undefined;
}

/**
 * Sorts the pages of a file. Three pages of one band and one size are red, green and blue; smaller copies and thumbnails are passed over.
 * Throws where there are more pages of the first one's size: which is meant can't be told.
 */
export async function sortPages(tiff: GeoTIFF): Promise<Pages> {
  const image = await tiff.getImage();
  const first = await pageOf(image);
  if ((first.kind & SMALLER) !== 0) throw new NotRead('its first page is a smaller copy of its picture');
  const colours = [first];
  let count = await picturesIn(image, first);
  let mask: Page | undefined;
  for await (const other of pagesBehind(tiff, image)) {
    const kind = Number((await other.fileDirectory.loadValue('NewSubfileType')) ?? 0);
    if ((kind & SMALLER) !== 0) continue;
    const [width, height] = [other.getWidth(), other.getHeight()];
    if (width * height > first.width * first.height) throw new NotRead('its first page is not its largest');
    if (width !== first.width || height !== first.height) continue;
    if ((kind & MASK) !== 0) mask ??= await pageOf(other);
    else {
      count++;
      if (colours.length < 3) colours.push(await pageOf(other));
    }
  }
  const isBand = ({ samples, bits, format }: Page) => samples === 1 && bits === first.bits && format === first.format;
  if (count === 1 || (count === 3 && colours.length === 3 && colours.every(isBand))) return { colours, mask };
  throw new NotRead(
    `it is a stack of ${count} pages of one size: which of them is meant can't be told`,
    'save the page that is meant in a file of its own',
  );
}

/** Goes through the pages behind the first. Throws where they form a circle. */
async function* pagesBehind(tiff: GeoTIFF, first: GeoTIFFImage): AsyncIterable<GeoTIFFImage> {
  const seen = new Set<number>();
  let { nextIFDByteOffset: next } = first.fileDirectory;
  for (let index = 1; next !== 0; index++) {
    if (seen.size === seen.add(next).size) throw new Error('its pages form a circle');
    const image = await tiff.getImage(index);
    yield image;
    next = image.fileDirectory.nextIFDByteOffset;
  }
}

/** Counts the pictures that one page stands for: ImageJ and tifffile describe stacks of which only the first has tags. */
async function picturesIn(image: GeoTIFFImage, { width, height, samples }: Page): Promise<number> {
  const text: unknown = await image.fileDirectory.loadValue('ImageDescription');
  if (typeof text !== 'string' || image.fileDirectory.nextIFDByteOffset !== 0) return 1;
  const [, images] = /^ImageJ=[\s\S]*^images=(\d+)$/m.exec(text) ?? [];
  if (images !== undefined) return Number(images);
  const [, shape] = /"shape": \[([\d, ]+)\].*"truncated": true/.exec(text) ?? [];
  if (shape === undefined) return 1;
  return shape.split(',').reduce((product, side) => product * Number(side), 1) / (width * height * samples);
}

async function pageOf(image: GeoTIFFImage): Promise<Page> {
  await mendByteOrder(image);
  return readPage(image);
}
