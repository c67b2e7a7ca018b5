/** Pages of a TIFF: which of them are the picture, and which say where there is one. */
import type { GeoTIFF } from 'geotiff';
import { mendByteOrder } from '../big-endian.js';
import { NotRead, type Page, readPage } from './tags.js';

/** Bits of NewSubfileType: a smaller copy, and a mask. */
const [SMALLER, MASK] = [1, 4];
/** Pages that are looked at. */
const MOST_PAGES = 10_000;

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
  const count = Math.min(await tiff.getImageCount(), MOST_PAGES);
  const first = await pageAt(tiff, 0);
  const colours = [first];
  let mask: Page | undefined;
  for (let index = 1; index < count; index++) {
    const image = await tiff.getImage(index);
    if (image.getWidth() !== first.width || image.getHeight() !== first.height) continue;
    const kind = Number((await image.fileDirectory.loadValue('NewSubfileType')) ?? 0);
    if ((kind & SMALLER) !== 0) continue;
    if ((kind & MASK) !== 0) mask ??= await pageAt(tiff, index);
    else colours.push(colours.length < 3 ? await pageAt(tiff, index) : first);
  }
  const are = ({ samples, bits, format }: Page) => samples === 1 && bits === first.bits && format === first.format;
  if (colours.length === 1 || (colours.length === 3 && colours.every(are))) return { colours, mask };
  throw new NotRead(`it is a stack of ${colours.length} pages of one size: which of them is meant can't be told`);
}

async function pageAt(tiff: GeoTIFF, index: number): Promise<Page> {
  const image = await tiff.getImage(index);
  await mendByteOrder(image);
  return readPage(image);
}
