/**
 * What a call costs before any work: `--help`, and a run of `train` with two pictures whose embeddings are there.
 *
 *   node scripts/bench-startup.mjs [OTHER CHECKOUT]
 *
 * With another built checkout: both in turn, medians of each.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { median } from '../dist/scoring/statistics.js';

const ROUNDS = 9;
const checkouts = [
  fileURLToPath(new URL('..', import.meta.url)),
  ...process.argv.slice(2).map((path) => resolve(path)),
];
const scratch = mkdtempSync(join(tmpdir(), 'sam-startup-'));

/** Wall time of one call, milliseconds. */
function time(checkout, args) {
  const started = performance.now();
  const { status, stderr } = spawnSync(process.execPath, [join(checkout, 'dist/cli/main.js'), ...args], {
    encoding: 'utf8',
    maxBuffer: 1 << 26,
  });
  if (status !== 0) throw new Error(stderr);
  return performance.now() - started;
}

const CALLS = {
  '--help': () => ['--help'],
  'train --help': () => ['train', '--help'],
  'train, 2 pictures, 1 epoch, no report': (index) => {
    const places = [
      '--out',
      join(scratch, `run-${index}`),
      '--overwrite',
      '--cache-dir',
      join(scratch, `cache-${index}`),
    ];
    const small = ['--data', 'sample:rivers', '--limit', '2', '--epochs', '1', '--no-report', '--precision', 'fp32'];
    return ['train', ...small, ...places];
  },
};

try {
  console.log(
    `| milliseconds, median of ${ROUNDS} | ${checkouts.join(' | ')} |\n|---|${checkouts.map(() => '---|').join('')}`,
  );
  for (const [name, argsOf] of Object.entries(CALLS)) {
    const times = checkouts.map(() => []);
    for (let round = -1; round < ROUNDS; round++) {
      for (const [index, checkout] of checkouts.entries()) {
        const wall = time(checkout, argsOf(index));
        if (round >= 0) times[index].push(wall); // the first fills the caches
      }
    }
    console.log(`| ${name} | ${times.map((walls) => median(walls).toFixed(0)).join(' | ')} |`);
  }
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
