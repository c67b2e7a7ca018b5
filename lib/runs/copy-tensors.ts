/** A safetensors file made of some tensors of another, bytes as they are: a checkpoint without its optimizer, say. */
import { type FileHandle, open } from 'node:fs/promises';
import { makeFileWhole } from '../core/files.js';
import { readHeaderBytes, readSafetensorsHeader } from './safetensors-header.js';

interface Place {
  dtype: string;
  shape: number[];
  data_offsets: [number, number];
}

/**
 * Writes the tensors whose names `keep` takes, with these metadata.
 *
 * @throws SamError as {@link readSafetensorsHeader}, and `SAM_IO`: the file cannot be written.
 */
export async function copyTensors(
  from: string,
  to: string,
  { keep, metadata }: { keep(name: string): boolean; metadata: Record<string, string> },
): Promise<void> {
  await readSafetensorsHeader(from); // checks all that the header says
  const { header } = await readHeaderBytes(from);
  const start = 8 + header.length;
  const entries = Object.entries(JSON.parse(header.toString('utf8')) as Record<string, Place>);
  const kept = entries.filter(([name]) => name !== '__metadata__' && keep(name));
  const moved: Record<string, object> = { __metadata__: metadata };
  let offset = 0;
  for (const [name, { dtype, shape, data_offsets: place }] of kept) {
    const [begin, end] = place;
    moved[name] = { dtype, shape, data_offsets: [offset, offset + end - begin] };
    offset += end - begin;
  }
  await makeFileWhole(to, async (temporary) => {
    const [source, target] = [await open(from), await open(temporary, 'wx')];
    try {
      await target.writeFile(headerOf(moved));
      for (const [, { data_offsets: place }] of kept) await copyBytes(source, target, start, place);
    } finally {
      await Promise.all([source.close(), target.close()]);
    }
  });
}

/** Makes a header whose length is a multiple of 8, so that the numbers behind it lie where processors like them. */
function headerOf(entries: object): Buffer {
  const text = JSON.stringify(entries);
  const padded = Buffer.from(text + ' '.repeat((8 - (Buffer.byteLength(text) % 8)) % 8));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(padded.length));
  return Buffer.concat([length, padded]);
}

async function copyBytes(source: FileHandle, target: FileHandle, start: number, [begin, end]: Place['data_offsets']) {
  const bytes = Buffer.alloc(end - begin); // a tensor of the mask decoder has 2 MB at most
  await source.read(bytes, 0, bytes.length, start + begin);
  await target.writeFile(bytes);
}
