/** Rows of the benchmarks' table: ours, peer, ratio, target. `npm run bench` collects those of all sections through the file SAM_BENCH_ROWS. */
import { appendFileSync } from 'node:fs';
import { cpus, loadavg, totalmem } from 'node:os';
import { native } from '../../dist/addon/native.js';

/**
 * @typedef {{ name: string, ours: number, peer?: number, unit: string, target: number, note?: string }} Row
 * The less the better. With a peer, in the same unit, `target` is how many times less ours should be; without one, the most
 * that ours may be.
 */

/** Prints rows as Markdown and hands them to whoever collects. */
export function report(rows) {
  console.log(markdown(rows));
  const file = process.env.SAM_BENCH_ROWS;
  if (file !== undefined) for (const row of rows) appendFileSync(file, `${JSON.stringify(row)}\n`);
}

/** @param {Row[]} rows */
export function markdown(rows) {
  const lines = rows.map((row) => `| ${cells(row).join(' | ')} |`);
  return ['| what | ours | peer | ratio | target | |', '|---|---|---|---|---|---|', ...lines].join('\n');
}

function cells({ name, ours, peer, unit, target, note = '' }) {
  const verdict = (met) => (met ? 'met' : 'not met');
  const own = `${show(ours)} ${unit}`;
  if (peer === undefined) return [name, own, '-', '-', `at most ${target}: ${verdict(ours <= target)}`, note];
  return [name, own, `${show(peer)} ${unit}`, show(peer / ours), `${target}: ${verdict(peer / ours >= target)}`, note];
}

export function show(value) {
  return value >= 100 ? value.toFixed(0) : value.toPrecision(3);
}

/**
 * Where and with what this was measured. Warns when the machine does other work: threads that wait for each other then lose far more than
 * their share of it, PyTorch's in Python most of all.
 */
export function machine() {
  const [load] = loadavg();
  if (load > 0.5)
    console.error(`warning: the load is ${load.toFixed(1)}: other programs are running, and the figures will not hold`);
  const [cpu] = cpus();
  return {
    cpu: cpu.model,
    cores: cpus().length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    load,
    node: process.versions.node,
    libtorch: native().info().torch,
    date: new Date().toISOString().slice(0, 10),
  };
}
