/**
 * Stand-ins for a full embedding cache: shards of the addon's own form, of the true size, whose numbers are all zero and lie in holes of
 * their files. 100,000 images, 210 GB, take some 30 MB of the disk so; opening, looking up, reading and evicting are the real ones.
 */
import { mkdtemp, open, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { native } from '../../dist/addon/native.js';
import { readSafetensorsHeader } from '../../dist/runs/safetensors-header.js';

const SHAPE = [256, 64, 64];
const NUMBERS = 256 * 64 * 64;
const BYTES = 2 * NUMBERS; // fp16
const PER_SHARD = 16;

/** Fills a folder of the cache with embeddings of these keys. */
export async function writeZeroShards(directory, keys) {
  const checksum = await checksumOfZeros();
  for (let first = 0; first < keys.length; first += PER_SHARD) {
    const some = keys.slice(first, first + PER_SHARD).sort();
    const header = headerOf(some, checksum);
    const file = await open(join(directory, `${some[0].slice(0, 16)}-0-${first}-${some.length}.safetensors`), 'wx');
    try {
      await file.write(header);
      await file.truncate(header.length + some.length * BYTES);
    } finally {
      await file.close();
    }
  }
}

function headerOf(keys, checksum) {
  const metadata = Object.fromEntries(keys.map((key) => [key, checksum]));
  const tensors = keys.map((key, index) => {
    return [key, { dtype: 'F16', shape: SHAPE, data_offsets: [index * BYTES, (index + 1) * BYTES] }];
  });
  const json = Buffer.from(JSON.stringify({ __metadata__: metadata, ...Object.fromEntries(tensors) }));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(json.length));
  return Buffer.concat([length, json]);
}

/** As the addon writes it. */
async function checksumOfZeros() {
  const directory = await mkdtemp(join(tmpdir(), 'sam-native-zeros-'));
  try {
    const cache = await native().openCache({ directory, precision: 'fp16' });
    const zeros = native().embeddingsFrom(new Float32Array(NUMBERS));
    await cache.write('zeros', zeros);
    await cache.flush();
    zeros.dispose();
    cache.dispose();
    const [shard] = await readdir(directory);
    return (await readSafetensorsHeader(join(directory, shard))).metadata.zeros;
  } finally {
    await rm(directory, { recursive: true });
  }
}
