/** Files that look like pictures or labels, of kinds that are not read: they are named, not passed over without a word. */
import { extname } from 'node:path';
import { nameAll } from '../core/words.js';
import { hasExtension, IMAGE_EXTENSIONS, IMAGE_FORMATS, stemOf } from './listing.js';

/** Extensions of pictures, and of arrays that pictures are kept in, that nothing here reads. */
const PICTURES = new Set(
  (
    '.bmp .dib .jp2 .j2k .jpf .jpx .jpm .jxl .jfif .jpe .heic .heif .hif .avif .psd .xcf .svg .eps .ai .ico .tga .pcx .sgi .apng ' +
    '.ppm .pgm .pbm .pnm .pam .pfm .exr .hdr .dds .dng .nef .cr2 .cr3 .arw .orf .rw2 .raf .dcm .nii .nrrd .mha .mhd .fits .fit ' +
    '.img .vrt .hdf .h5 .nc .ecw .sid .btf .tf8 .npy .npz .mat .czi .lif .nd2 .oir .svs .ndpi .vsi'
  ).split(' '),
);

/** Says of a name which file is there that can't be read: ` (a.bmp is there; BMP is not read)`. Empty where there is none. */
export function hintOf(name: string, others: readonly string[], prefix = ''): string {
  const there = others.find((path) => stemOf(path) === name);
  return there === undefined ? '' : ` (${notRead(prefix, there)})`;
}

/** Says that a file of the name is there, of a kind that is not read. */
export function notRead(prefix: string, path: string): string {
  const extension = extname(path).slice(1).toUpperCase();
  return `${prefix}${path} is there; ${extension === '' ? 'a file without extension' : extension} is not read`;
}

/** Returns the kind of a picture that is not read, by its extension: `BMP`; undefined for any other file. */
export function unreadKind(path: string): string | undefined {
  const extension = extname(path).toLowerCase();
  return PICTURES.has(extension) ? extension.slice(1).toUpperCase() : undefined;
}

/** Returns those of the files that are pictures of kinds that are not read, and stand for no image beside them that is. */
export function unreadPictures(paths: readonly string[]): string[] {
  const unread = paths.filter((path) => unreadKind(path) !== undefined);
  if (unread.length === 0) return [];
  const read = new Set(paths.filter((path) => hasExtension(path, IMAGE_EXTENSIONS)).map(stemOf));
  return unread.filter((path) => !read.has(stemOf(path)));
}

/** Warns of pictures of kinds that are not read, where there are any. */
export function warnOfUnread(
  folder: string,
  pictures: readonly string[],
  onWarning: ((line: string) => void) | undefined,
): void {
  if (pictures.length === 0) return;
  const are = pictures.length === 1 ? '1 picture is' : `${pictures.length} pictures are`;
  const named = nameAll(pictures);
  onWarning?.(`in ${folder} ${are} of a kind that is not read: ${named}; left out (${IMAGE_FORMATS} are read)`);
}
