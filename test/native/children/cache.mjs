// The embedding cache where the machine or another container is in its way. Prints what came of it as JSON.
//
//   node cache.mjs SCENARIO FOLDER
import { copyFileSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { EMBEDDING, loadAddon, noise, withoutDescriptors } from './inputs.mjs';

const [scenario, folder] = process.argv.slice(2);
const addon = loadAddon();
const KEY = 'ab'.repeat(16);
const open = () => addon.openCache({ directory: folder, precision: 'fp16' });
const shards = () => readdirSync(folder).filter((name) => name.endsWith('.safetensors'));
const codeOf = (work) =>
  work.then(
    () => 'none',
    (error) => `${error.code} ${error.message}`,
  );

async function write(cache, key, seed) {
  await cache.write(key, addon.embeddingsFrom(noise(EMBEDDING, seed)));
  await cache.flush();
}

const scenarios = {
  /** No descriptors are left when an embedding is read. */
  async 'shortage-read'() {
    const cache = await open();
    await write(cache, KEY, 1);
    const error = await withoutDescriptors(0, () => codeOf(cache.read([KEY])));
    return { error, kept: cache.has(KEY), shards: shards().length, later: await codeOf(cache.read([KEY])) };
  },
  /** One is left when the cache is opened: enough to list its folder, not to read what is in it. */
  async 'shortage-open'() {
    await write(await open(), KEY, 1);
    const error = await withoutDescriptors(1, () => codeOf(open()));
    return { error, shards: shards().length, later: (await open()).has(KEY) };
  },
  /** A container of the same process number was killed in the middle of a shard, or of several. */
  async leftover() {
    const leftover = `${KEY.slice(0, 16)}-${process.pid}-0-1.safetensors.tmp-${process.pid}-0`;
    writeFileSync(join(folder, leftover), 'half');
    return { error: await codeOf(open().then((cache) => write(cache, KEY, 1))), shards: shards().length };
  },
  /** A container of the same process number writes its first shard, of the same first key, at the same time. */
  async namesake() {
    const cache = await open();
    await write(await addon.openCache({ directory: join(folder, 'elsewhere'), precision: 'fp16' }), KEY, 2);
    const [theirs] = readdirSync(join(folder, 'elsewhere'));
    const name = `${KEY.slice(0, 16)}-${process.pid}-1-1.safetensors`;
    copyFileSync(join(folder, 'elsewhere', theirs), join(folder, name));
    const before = readFileSync(join(folder, name));
    await write(cache, KEY, 1);
    return { untouched: readFileSync(join(folder, name)).equals(before), error: await codeOf(cache.read([KEY])) };
  },
  /** Fills the cache with keys of its own and one that all processes share, then reads all of its own back. */
  async fill() {
    const cache = await open();
    const own = Array.from({ length: 3 }, (_, i) => `ff${process.argv[4]}${i}`.padEnd(32, '0'));
    for (const [i, key] of own.entries()) {
      await cache.write(KEY, addon.embeddingsFrom(noise(EMBEDDING, 1)));
      await write(cache, key, i);
    }
    return { error: await codeOf(cache.read([KEY, ...own])) };
  },
};

process.stdout.write(`${JSON.stringify(await scenarios[scenario]())}\n`);
