/**
 * Runs the benchmarks, one section after another, and collects their rows (ours, peer, ratio, target) in one table.
 *
 *   npm run bench -- [--only whole-job,encoder,…] [--quick] [--python PYTHON] [--out FILE.md]
 *
 * PYTHON (or $PYTHON): with torch, transformers, monai for the recipe that ours is compared with. FILE.json is written beside
 * FILE.md. Close other programs first: all of it is measured on the clock. `--quick` only proves that everything runs.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { machine, markdown } from './bench/rows.mjs';

/** A section is a script `bench-*.mjs` of its own; it appends its rows to the file SAM_BENCH_ROWS (bench/rows.mjs). */
const SECTIONS = {
  'whole-job': (quick) => ['bench-recipe.mjs', ...(quick ? ['--quick'] : [])],
  encoder: () => ['bench-encoder.mjs', 'mobile-sam'],
  transformers: (quick) => ['bench-transformers.mjs', ...(quick ? ['--rounds', '1'] : [])],
  step: (quick) => ['bench-step.mjs', ...(quick ? ['1'] : [])],
  prompt: (quick) => ['bench-prompt.mjs', ...(quick ? ['--rounds', '1'] : [])],
  data: (quick) => ['bench-data.mjs', ...(quick ? ['--rounds', '1'] : [])],
  memory: (quick) => ['bench-peaks.mjs', ...(quick ? ['--quick'] : [])],
  samples: (quick) => ['bench-memory.mjs', ...(quick ? ['100'] : ['1000', '100000'])],
  growth: (quick) => ['bench-growth.mjs', ...(quick ? ['--quick'] : [])],
  throughput: (quick) => ['bench-throughput.mjs', ...(quick ? ['--quick', '--models', 'mobile-sam'] : [])],
};

const folder = fileURLToPath(new URL('.', import.meta.url));
const script = (name) => join(folder, SECTIONS[name](false)[0]);
const present = Object.keys(SECTIONS).filter((name) => existsSync(script(name)));
const { values: flags } = parseArgs({
  options: {
    only: { type: 'string', default: present.join(',') },
    quick: { type: 'boolean', default: false },
    python: { type: 'string' },
    out: { type: 'string' },
  },
});
const wanted = flags.only.split(',');
const unknown = wanted.filter((name) => !present.includes(name));
if (unknown.length > 0) {
  console.error(`error: no section ${unknown.join(', ')} — there are ${present.join(', ')}`);
  process.exit(2);
}

const scratch = mkdtempSync(join(tmpdir(), 'sam-native-bench-'));
const rowsFile = join(scratch, 'rows');
writeFileSync(rowsFile, '');
const env = { ...process.env, SAM_BENCH_ROWS: rowsFile, ...(flags.python !== undefined && { PYTHON: flags.python }) };
const failed = [];
try {
  for (const name of wanted) {
    console.log(`\n## ${name}\n`);
    const [file, ...args] = SECTIONS[name](flags.quick);
    const { status } = spawnSync(process.execPath, [join(folder, file), ...args], { env, stdio: 'inherit' });
    if (status !== 0) failed.push(name);
  }
  const lines = readFileSync(rowsFile, 'utf8').split('\n').filter(Boolean);
  const result = {
    machine: machine(),
    quick: flags.quick,
    sections: wanted,
    failed,
    rows: lines.map((line) => JSON.parse(line)),
  };
  const title = Object.entries(result.machine)
    .map(([key, value]) => `${key} ${value}`)
    .join(', ');
  const text = `${title}${flags.quick ? '. Quick: the figures mean nothing.' : ''}\n\n${markdown(result.rows)}\n`;
  console.log(`\n## all\n\n${text}`);
  if (flags.out !== undefined) {
    writeFileSync(flags.out, text);
    writeFileSync(`${flags.out.replace(/\.md$/, '')}.json`, `${JSON.stringify(result, null, 2)}\n`);
  }
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
if (failed.length > 0) {
  console.error(`error: these sections failed: ${failed.join(', ')}`);
  process.exit(1);
}
