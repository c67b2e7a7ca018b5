/** Text as other programs write it: a byte-order mark before it, another encoding, JSON with Python's NaN. */
import { isUtf8 } from 'node:buffer';
import { readFile } from 'node:fs/promises';
import { SamError, systemCode } from '../../core/errors.js';

/**
 * Reads a text of UTF-8, without its byte-order mark.
 *
 * @throws SamError `SAM_BAD_DATA`: it is in another encoding. `SAM_NOT_FOUND`: there is no file.
 */
export async function readText(path: string): Promise<string> {
  const bytes = await readFile(path).catch((error: unknown) => {
    if (systemCode(error) !== 'ENOENT') throw error;
    throw new SamError('SAM_NOT_FOUND', `there is no file ${path}`, { fix: 'check the path' });
  });
  requireNarrow(bytes, path);
  requireUtf8(bytes, path);
  return bytes.toString('utf8').replace(/^\ufeff/, '');
}

/**
 * Refuses a text whose characters take two or four bytes each, by its beginning.
 *
 * @throws SamError `SAM_BAD_DATA`: it is UTF-16 or UTF-32.
 */
export function requireNarrow(beginning: Uint8Array, path: string): void {
  const wide = wideEncodingOf(beginning);
  if (wide !== undefined) throw notUtf8(path, wide);
}

/** @throws SamError `SAM_BAD_DATA`: the bytes are no UTF-8. */
export function requireUtf8(bytes: Uint8Array, path: string): void {
  if (!isUtf8(bytes)) throw notUtf8(path, 'in another encoding, such as Latin-1');
}

/** Tells UTF-16 and UTF-32 by the byte-order mark, or by the zeros beside the first letters. */
export function wideEncodingOf([a, b, c, d]: Uint8Array): 'UTF-16' | 'UTF-32' | undefined {
  const marked = (a === 0xff && b === 0xfe) || (a === 0xfe && b === 0xff);
  if ((a === 0 && b === 0) || (c === 0 && d === 0 && b === (marked ? 0xfe : 0))) return 'UTF-32';
  return marked || (a === 0) !== (b === 0) ? 'UTF-16' : undefined;
}

function notUtf8(path: string, encoding: string): SamError {
  return new SamError('SAM_BAD_DATA', `${path} is ${encoding}, not UTF-8`, { fix: 'save it as UTF-8' });
}

/** Ids of more digits than a number of JavaScript holds: they become texts. */
const LONG_ID = /("(?:id|image_id|category_id)"\s*:\s*)(-?\d{16,})(?=\s*[,}])/g;
/** Texts, which stay, and what Python writes for numbers that are none. */
const NOT_NUMBERS = /"(?:[^"\\]|\\.)*"|-?\bInfinity\b|\bNaN\b/g;

/**
 * Parses JSON; NaN and infinities, which Python writes and JSON has not, become null.
 *
 * @throws Error: the text is no JSON.
 */
export function parseJson(text: string): unknown {
  const exact = text.replace(LONG_ID, '$1"$2"');
  try {
    return JSON.parse(exact);
  } catch {
    return JSON.parse(exact.replace(NOT_NUMBERS, (found) => (found.startsWith('"') ? found : 'null')));
  }
}
