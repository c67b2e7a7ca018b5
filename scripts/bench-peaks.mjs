/**
 * The most memory that `sam-native train` takes by its defaults (batch 4, joint points), and how long `--help` takes.
 *
 *   node scripts/bench-peaks.mjs [--quick]
 *
 * ViT-B and ViT-H get random weights, of which memory does not depend (3 GB of disk for the while). `--quick`: MobileSAM only.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { native } from '../dist/addon/native.js';
import { makeRivers } from '../dist/samples/sample-rivers.js';
import { median } from '../dist/scoring/statistics.js';
import { machine, report, show } from './bench/rows.mjs';
import { MAIN, runOurs } from './bench/sides.mjs';

/** `most`: GiB that a run may take. */
const MODELS = [
  { name: 'MobileSAM', most: 1 },
  { name: 'ViT-B', random: true, most: 2.5 },
  { name: 'ViT-H', random: true, most: 6 },
];
/** What `auto` chooses, and the other one that it may choose elsewhere. */
const PRECISIONS = ['auto', 'fp32'];
const HELP = { most: 150, calls: 21 };

const { values: flags } = parseArgs({ options: { quick: { type: 'boolean', default: false } } });
const scratch = mkdtempSync(join(tmpdir(), 'sam-native-bench-'));

/** A row for each precision: 2 steps, 2 validations and their checkpoints, all encoded by the run itself. */
async function peaks({ name, random = false, most }) {
  const data = await makeRivers(scratch, {}, { train: 4, validation: 4 });
  const model = random ? join(scratch, `${name}.safetensors`) : 'mobile-sam';
  if (random) await native().randomWeights({ encoder: name, seed: 1, output: model });
  const rows = [];
  for (const wanted of PRECISIONS) {
    const { peakMiB, precision } = await runOurs({ data, model, epochs: 2, seed: 1, precision: wanted }, scratch);
    rows.push({
      name: `peak memory of train, ${name}, ${precision}`,
      ours: peakMiB / 1024,
      unit: 'GiB',
      target: most,
      note: `--precision ${wanted}`,
    });
  }
  if (random) rmSync(model);
  return rows;
}

/** Milliseconds of a call of the command line, the start of Node included. */
function help(...command) {
  const call = () => {
    const started = performance.now();
    execFileSync(process.execPath, [MAIN, ...command, '--help']);
    return performance.now() - started;
  };
  return median(Array.from({ length: HELP.calls }, call));
}

/** Each command's is told beside: it has its options to show. */
function helpRow() {
  const commands = execFileSync(process.execPath, [MAIN, '--help'], { encoding: 'utf8' }).matchAll(
    /^ +sam-native ([a-z]+)/gm,
  );
  const each = Array.from(commands, ([, command]) => `${command} ${show(help(command))}`);
  const note = `median of ${HELP.calls} calls; with a command: ${each.join(', ')}`;
  return { name: '`--help`', ours: help(), unit: 'ms', target: HELP.most, note };
}

console.log(JSON.stringify(machine()));
try {
  const rows = [helpRow()];
  for (const model of flags.quick ? MODELS.slice(0, 1) : MODELS) rows.push(...(await peaks(model)));
  report(rows);
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
