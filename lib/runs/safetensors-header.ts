/** Reads the header of a safetensors file: 8 bytes of little-endian length, then JSON. The tensors stay on disk. */
import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { z } from 'zod';
import { SamError, systemCode } from '../core/errors.js';

/** Bytes of the largest header that is read; none of ours, or of any SAM, comes near it. Parsed, a header takes up to twenty times as much. */
const LARGEST_HEADER = 16 * 1024 * 1024;

const tensorSchema = z.object({
  dtype: z.string(),
  shape: z.array(z.number().int().min(0)),
  data_offsets: z.tuple([z.number().int().min(0), z.number().int().min(0)]),
});

/** What a header says of a tensor. */
export interface TensorInfo {
  /** Type in the file's own words: `F32`, `F16`, `BF16`, `I64` … */
  dtype: string;
  shape: number[];
  /** Where the tensor's data begin in the file. */
  offset: number;
  /** Bytes of the tensor's data. */
  bytes: number;
}

/** A file's metadata, and its tensors by name. */
export interface SafetensorsHeader {
  metadata: Record<string, string>;
  tensors: Record<string, TensorInfo>;
}

/**
 * Reads and checks the header of a safetensors file.
 *
 * @throws SamError `SAM_NOT_FOUND`: no such file. `SAM_IO`: it can't be read. `SAM_BAD_CHECKPOINT`: it isn't safetensors, is cut short
 * or lies about sizes.
 */
export async function readSafetensorsHeader(path: string): Promise<SafetensorsHeader> {
  const { header, size } = await readHeaderBytes(path);
  return parseHeader(path, header, size);
}

/**
 * Reads the names of the tensors in a file that this package wrote. Made for thousands of files with ever other names: parsed into
 * objects, V8 would keep a hidden class for each name.
 */
export async function readTensorNames(path: string): Promise<string[]> {
  const { header } = await readHeaderBytes(path);
  const names = Array.from(header.toString('utf8').matchAll(/"([^"\\]+)":\{/g), ([, name]) => name!);
  return names.filter((name) => name !== '__metadata__');
}

/** Reads the header as it is in the file, and the file's size. */
export async function readHeaderBytes(path: string): Promise<{ header: Buffer; size: number }> {
  let file: FileHandle;
  try {
    // Opening a named pipe would wait until somebody writes to it; regular files don't mind.
    file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    if (systemCode(error) === 'ENOENT') {
      throw new SamError('SAM_NOT_FOUND', `no such file: ${path}`, { fix: 'check the path', cause: error });
    }
    throw new SamError('SAM_IO', `cannot read ${path}: ${(error as Error).message}`, { cause: error });
  }
  try {
    const stat = await file.stat();
    if (!stat.isFile()) throw bad(path, 'not a regular file');
    return { header: await headerBytes(file, path, stat.size), size: stat.size };
  } finally {
    await file.close();
  }
}

function bad(path: string, what: string): SamError {
  return new SamError('SAM_BAD_CHECKPOINT', `${path}: ${what}`, {
    fix: 'give a whole safetensors file; copy or download it again if this one should be one',
  });
}

async function headerBytes(file: FileHandle, path: string, size: number): Promise<Buffer> {
  const prefix = Buffer.alloc(8);
  const { bytesRead } = await file.read(prefix, 0, 8, 0);
  if (bytesRead < 8) throw bad(path, 'too short to be safetensors');
  const length = prefix.readBigUInt64LE();
  if (length > LARGEST_HEADER) throw bad(path, `not safetensors (a header of ${length} bytes)`);
  if (length + 8n > size) throw bad(path, 'cut short within its header');
  const header = Buffer.alloc(Number(length));
  await file.read(header, 0, header.length, 8);
  return header;
}

function parseHeader(path: string, header: Buffer, size: number): SafetensorsHeader {
  const entries = parseJson(path, header);
  const dataOffset = 8 + header.length;
  const dataBytes = size - dataOffset;
  const tensors: Record<string, TensorInfo> = {};
  for (const [name, entry] of Object.entries(entries)) {
    if (name === '__metadata__') continue;
    const tensor = tensorSchema.safeParse(entry);
    if (!tensor.success) throw bad(path, `not safetensors (tensor ${name})`);
    const [begin, end] = tensor.data.data_offsets;
    if (end < begin) throw bad(path, `tensor ${name} ends before it begins`);
    if (end > dataBytes) throw bad(path, `cut short: tensor ${name} ends beyond the file`);
    const { dtype, shape } = tensor.data;
    tensors[name] = { dtype, shape, offset: dataOffset + begin, bytes: end - begin };
  }
  const metadata = z.record(z.string(), z.string()).safeParse(entries.__metadata__ ?? {});
  if (!metadata.success) throw bad(path, 'its metadata are not texts');
  return { metadata: metadata.data, tensors };
}

function parseJson(path: string, header: Buffer): Record<string, unknown> {
  try {
    const parsed: unknown = JSON.parse(header.toString('utf8'));
    if (typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed))
      return parsed as Record<string, unknown>;
  } catch {}
  throw bad(path, 'not safetensors (its header is not JSON)');
}
