// What packing saves: memory of the keys and the names of N pictures, packed (KeyTable, PackedTexts) and as V8 keeps them.
//
//   node scripts/bench-packing.mjs 10000 100000
//
// Each figure is a process of its own, after a collection: heap in use and array buffers, less what was in use before.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { PackedTexts } from '../dist/data/packed-texts.js';
import { KeyTable } from '../dist/embeddings/key-table.js';

const nameOf = (index) => `river_${String(index).padStart(7, '0')}.jpg`;
const placeOf = (index) => `/data/photos/train/images/${nameOf(index)}:12345:1690000000`;
const keyOf = (index) => createHash('sha256').update(String(index)).digest('hex');
const names = (count) => Array.from({ length: count }, (_, index) => nameOf(index));

const KINDS = {
  'keys, Map of strings': (count) => new Map(names(count).map((_, index) => [placeOf(index), keyOf(index)])),
  'keys, KeyTable': (count) => {
    const table = new KeyTable();
    for (let index = 0; index < count; index++) table.add(placeOf(index), keyOf(index));
    return table;
  },
  'names, array of strings': (count) => JSON.parse(JSON.stringify(names(count))), // flat strings, as a listing gives them
  'names, PackedTexts': (count) => new PackedTexts(names(count)),
};

function inUse() {
  globalThis.gc();
  globalThis.gc();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

if (process.argv[2] === '--child') {
  const [kind, count] = process.argv.slice(3);
  const before = inUse();
  const kept = KINDS[kind](Number(count));
  const mebibytes = (inUse() - before) / 2 ** 20;
  process.stdout.write(`${mebibytes.toFixed(1)}${kept === undefined ? '?' : ''}`);
} else {
  const counts = process.argv.slice(2).map(Number);
  console.log(`| MiB | ${counts.join(' | ')} |\n|---|${counts.map(() => '---|').join('')}`);
  for (const kind of Object.keys(KINDS)) {
    const cells = counts.map((count) => {
      const call = ['--expose-gc', fileURLToPath(import.meta.url), '--child', kind, String(count)];
      return spawnSync(process.execPath, call, { encoding: 'utf8' }).stdout;
    });
    console.log(`| ${kind} | ${cells.join(' | ')} |`);
  }
}
