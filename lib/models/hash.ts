/** SHA-256 of files and of short texts, as lower-case hex. */
import { createHash } from 'node:crypto';
import { open, stat } from 'node:fs/promises';

const CHUNK_BYTES = 1 << 20;

export function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/** Reads the file in pieces: weights may be gigabytes. */
export async function sha256File(path: string, signal?: AbortSignal): Promise<string> {
  const { size, mtimeMs } = await stat(path);
  const memoKey = `${path}\0${size}\0${mtimeMs}`;
  const known = memo.get(memoKey);
  if (known !== undefined) return known;
  const hash = createHash('sha256');
  const file = await open(path);
  try {
    const buffer = Buffer.allocUnsafe(CHUNK_BYTES);
    for (;;) {
      signal?.throwIfAborted();
      const { bytesRead } = await file.read(buffer, 0, CHUNK_BYTES);
      if (bytesRead === 0) break;
      hash.update(buffer.subarray(0, bytesRead));
    }
  } finally {
    await file.close();
  }
  const digest = hash.digest('hex');
  memo.set(memoKey, digest);
  return digest;
}

/** One process names the same weights again and again (evaluate, resume): each file is read once. */
const memo = new Map<string, string>();
