// Loads the addon as a guest of a process that has other native code in it, and prints, as JSON, what that code sees.
//
//   node guest.mjs main|worker NEIGHBOUR      the thread that loads the addon; NEIGHBOUR: neighbour.c, compiled
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { batchOf, loadAddon, loadEncoder, loadModel, picture, STEP, TRAINING } from './inputs.mjs';

const [where, file] = isMainThread ? process.argv.slice(2) : workerData;
if (where === 'worker' && isMainThread) {
  const [report] = await once(new Worker(new URL(import.meta.url), { workerData: ['inside', file] }), 'message');
  process.stdout.write(report);
} else {
  const report = JSON.stringify(await look());
  if (isMainThread) process.stdout.write(report);
  else parentPort.postMessage(report);
}

async function look() {
  const require = createRequire(import.meta.url);
  const addon = loadAddon();
  const neighbour = require(file);
  const policy = {
    ofProcess: neighbour.waitPolicy(),
    ofEnvironment: process.env.OMP_WAIT_POLICY ?? 'unset',
    ofChildren: execFileSync('/bin/sh', ['-c', 'echo $' + '{OMP_WAIT_POLICY-unset}'], { encoding: 'utf8' }).trim(),
  };
  const own = neighbour.ownThreads();
  addon.setThreads(2);
  await work(addon);
  const pool = await Promise.all(neighbour.poolThreads());
  return { policy, own, pool };
}

/** Tasks of both lanes, on as many threads of the pool as they get. */
async function work(addon) {
  const trainer = addon.createTrainer(await loadModel(addon), TRAINING);
  const encoder = await loadEncoder(addon);
  const batch = batchOf(addon);
  const tasks = Array.from({ length: 6 }, () => [trainer.step(batch, STEP), encoder.begin(picture)]);
  await Promise.all(tasks.flat());
}
