/** Hashes of files and of short texts, as lower-case hex. */
import { createHash, type Hash } from 'node:crypto';
import { open, stat } from 'node:fs/promises';

const CHUNK_BYTES = 1 << 18;

/** Returns the SHA-256 of a text's UTF-8 bytes, as lower-case hex. */
export function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/** Returns the SHA-256 of a file, as lower-case hex. The file is read in pieces, since weights may be gigabytes, and once a process. */
export async function sha256File(path: string, signal?: AbortSignal): Promise<string> {
  const { size, mtimeMs } = await stat(path);
  const memoKey = `${path}\0${size}\0${mtimeMs}`;
  const known = memo.get(memoKey);
  if (known !== undefined) return known;
  const digest = await digestFile(createHash('sha256'), path, signal);
  memo.set(memoKey, digest);
  return digest;
}

/** Returns Git's name for a file with this content: SHA-1 over `blob SIZE NUL` and the bytes, as lower-case hex. */
export async function gitHashFile(path: string, signal?: AbortSignal): Promise<string> {
  const { size } = await stat(path);
  return digestFile(createHash('sha1').update(`blob ${size}\0`), path, signal);
}

/** Feeds a file to `hash` and returns the digest, as lower-case hex. Small files, of which there may be very many, take little memory. */
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

/** Digests by path, size and time of change: one process asks for the same weights again and again (evaluate, resume). */
const memo = new Map<string, string>();
