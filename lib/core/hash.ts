/** Hashes of files and of short texts, as lower-case hex. */
import { createHash, type Hash } from 'node:crypto';
import { open, stat } from 'node:fs/promises';

const CHUNK_BYTES = 1 << 18;

export function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/** Reads the file in pieces: weights may be gigabytes. */
export async function sha256File(path: string, signal?: AbortSignal): Promise<string> {
  const { size, mtimeMs } = await stat(path);
  const memoKey = `${path}\0${size}\0${mtimeMs}`;
  const known = memo.get(memoKey);
  if (known !== undefined) return known;
  const digest = await digestFile(createHash('sha256'), path, signal);
  memo.set(memoKey, digest);
  return digest;
}

/** Git's name for a file with this content. */
export async function gitHashFile(path: string, signal?: AbortSignal): Promise<string> {
  const { size } = await stat(path);
  return digestFile(createHash('sha1').update(`blob ${size}\0`), path, signal);
}

/** Of a small file no more memory is taken than it has bytes: there may be very many of them. */
export async function digestFile(hash: Hash, path: string, signal?: AbortSignal): Promise<string> {
  const file = await open(path);
  try {
    const { size } = await file.stat();
    const buffer = Buffer.allocUnsafe(Math.max(1, Math.min(CHUNK_BYTES, size)));
    for (;;) {
      signal?.throwIfAborted();
      const { bytesRead } = await file.read(buffer, 0, buffer.length);
      if (bytesRead === 0) return hash.digest('hex');
      hash.update(buffer.subarray(0, bytesRead));
    }
  } finally {
    await file.close();
  }
}

/** One process names the same weights again and again (evaluate, resume): each file is read once. */
const memo = new Map<string, string>();
