/**
 * Names in a file of weights, whoever wrote it: of its tensors, and of what lies beside them in a checkpoint. They are read off the file's
 * beginning, for messages alone; what is loaded, the addon reads.
 */
import { beginningOf } from '../core/files.js';

/** Bytes that are looked at. The names of a ViT-H take 100 KB. */
const LOOK = 4 << 20;

/** Opcode of a pickle before a text with four bytes of length, of which two are enough for names. */
const BINUNICODE = /X([\s\S]{2})\0\0/g;
/** Key of JSON before an object or a text: in the header of safetensors, and in the index of shards. */
const KEY = /"([^"\\]+)"\s*:\s*["{]/g;

/** Lists the names in a file of torch.save or of safetensors, or in the index of shards. In other files there are some by chance. */
export async function namesIn(path: string): Promise<ReadonlySet<string>> {
  const bytes = Buffer.from(await beginningOf(path, LOOK));
  const text = bytes.toString('latin1');
  const pickled = Array.from(text.matchAll(BINUNICODE), ({ index }) => {
    const start = index + 5;
    return text.slice(start, start + bytes.readUInt16LE(index + 1));
  });
  return new Set([...pickled, ...Array.from(text.matchAll(KEY), ([, key]) => key!)]);
}
