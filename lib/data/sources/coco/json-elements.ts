/**
 * Reads the elements of the lists in a JSON file's top-level object, one after the other, so that a file of gigabytes needs no more
 * memory than its largest element. Each comes with its place in the file, where it can be read again.
 */
import { open } from 'node:fs/promises';
import { SamError, systemCode } from '../../../core/errors.js';
import { parseJson, requireNarrow, requireUtf8 } from '../text.js';

const CHUNK_BYTES = 1 << 20;
const [QUOTE, BACKSLASH, COLON] = [0x22, 0x5c, 0x3a];
const [OPEN_OBJECT, CLOSE_OBJECT, OPEN_LIST, CLOSE_LIST] = [0x7b, 0x7d, 0x5b, 0x5d];
/** Depth at which elements that are objects begin: within the top-level object and a list. */
const IN_LIST = 2;

/** A function that is called with each object in a list; `start` and `end` are bytes of the file. */
export type ElementHandler = (value: unknown, start: number, end: number) => void;

/**
 * Goes through a JSON file, and calls the handler of a list's name with each object in that list.
 *
 * @returns the names of all lists.
 * @throws SamError `SAM_BAD_DATA`: not JSON, cut short, or not an object. `SAM_NOT_FOUND`: there is no file.
 */
export async function scanJson(path: string, handlers: Readonly<Record<string, ElementHandler>>): Promise<string[]> {
  const scanner = new Scanner(path, handlers);
  const file = await open(path).catch((error: unknown) => {
    if (systemCode(error) === 'ENOENT')
      throw new SamError('SAM_NOT_FOUND', `there is no file ${path}`, { fix: 'check the path' });
    throw error;
  });
  try {
    const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
    for (;;) {
      const { bytesRead } = await file.read(chunk, 0, CHUNK_BYTES);
      if (bytesRead === 0) return scanner.finish();
      scanner.scan(chunk.subarray(0, bytesRead));
    }
  } finally {
    await file.close();
  }
}

/**
 * Reads an element again, from its place in the file.
 *
 * @throws SamError `SAM_BAD_DATA`: the file has changed since.
 */
export async function readElement(path: string, start: number, end: number): Promise<unknown> {
  const file = await open(path);
  try {
    const bytes = Buffer.allocUnsafe(end - start);
    const { bytesRead } = await file.read(bytes, 0, bytes.length, start);
    if (bytesRead < bytes.length) throw new Error('it has become shorter');
    return parseJson(bytes.toString('utf8'));
  } catch (error) {
    throw new SamError('SAM_BAD_DATA', `${path} has changed since it was read`, { fix: 'begin again', cause: error });
  } finally {
    await file.close();
  }
}

class Scanner {
  #depth = 0;
  #offset = 0;
  #inString = false;
  #escaped = false;
  /** Bytes of the last string of the top-level object; `#list` is the list that it named. */
  #text: number[] = [];
  #list: string | undefined;
  /** Place in the file where the element in progress began, -1 where there is none; `#parts` are its bytes in earlier chunks. */
  #start = -1;
  #parts: Buffer[] = [];
  readonly #lists: string[] = [];

  constructor(
    readonly path: string,
    readonly handlers: Readonly<Record<string, ElementHandler>>,
  ) {}

  scan(chunk: Buffer): void {
    if (this.#offset === 0) requireNarrow(chunk, this.path);
    for (let at = 0; at < chunk.length; at++) {
      const byte = chunk[at]!;
      if (this.#inString) this.#inText(byte);
      else if (byte === QUOTE) {
        this.#inString = true;
        if (this.#depth === 1) this.#text = [];
      } else if (byte === COLON && this.#depth === 1) this.#list = Buffer.from(this.#text).toString('utf8');
      else if (byte === OPEN_OBJECT || byte === OPEN_LIST) this.#open(byte, at);
      else if (byte === CLOSE_OBJECT || byte === CLOSE_LIST) this.#close(chunk, at);
    }
    if (this.#start >= 0) this.#parts.push(Buffer.from(chunk.subarray(Math.max(0, this.#start - this.#offset))));
    this.#offset += chunk.length;
  }

  finish(): string[] {
    if (this.#depth !== 0 || this.#offset === 0) throw this.#bad('is cut short');
    return this.#lists;
  }

  #inText(byte: number): void {
    if (this.#escaped) this.#escaped = false;
    else if (byte === BACKSLASH) this.#escaped = true;
    else if (byte === QUOTE) this.#inString = false;
    if (this.#inString && this.#depth === 1) this.#text.push(byte);
  }

  #open(byte: number, at: number): void {
    if (this.#depth === 0 && byte !== OPEN_OBJECT) throw this.#bad('is no JSON object');
    if (this.#depth === 1 && byte === OPEN_LIST && this.#list !== undefined) this.#lists.push(this.#list);
    const list = this.#list ?? '';
    const wanted = Object.hasOwn(this.handlers, list) && this.#lists.at(-1) === list;
    if (this.#depth === IN_LIST && byte === OPEN_OBJECT && wanted) this.#start = this.#offset + at;
    this.#depth++;
  }

  #close(chunk: Buffer, at: number): void {
    if (--this.#depth < 0) throw this.#bad('is no JSON');
    if (this.#depth !== IN_LIST || this.#start < 0) return;
    const end = this.#offset + at + 1;
    const last = chunk.subarray(Math.max(0, this.#start - this.#offset), at + 1);
    const bytes = this.#parts.length === 0 ? last : Buffer.concat([...this.#parts, last]);
    const start = this.#start;
    [this.#start, this.#parts] = [-1, []];
    requireUtf8(bytes, this.path);
    let value: unknown;
    try {
      value = parseJson(bytes.toString('utf8'));
    } catch {
      throw this.#bad(`is broken near byte ${start}`);
    }
    this.handlers[this.#list!]!(value, start, end);
  }

  #bad(what: string): SamError {
    return new SamError('SAM_BAD_DATA', `${this.path} ${what}`, { fix: 'copy or write the file again' });
  }
}
