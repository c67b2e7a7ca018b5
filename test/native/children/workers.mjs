// Ends worker threads that are in the middle of their work, then prints what the addon still holds and whether it still works.
//
//   node workers.mjs terminate|exit|main-exit|main-end
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { batchOf, loadAddon, loadModel, STEP, TRAINING } from './inputs.mjs';

const [way] = process.argv.slice(2);
const addon = loadAddon();
const start = addon.info().liveHandles;
let longestEndMs = 0;

async function startWorker() {
  const worker = new Worker(new URL('./worker.mjs', import.meta.url), { workerData: { exit: way === 'exit' } });
  const ended = once(worker, 'exit'); // from now on: it may end before anyone asks
  await once(worker, 'message');
  return { worker, ended };
}

for (let round = 0; round < 3; round++) {
  const workers = await Promise.all([startWorker(), startWorker()]);
  await new Promise((resolve) => setTimeout(resolve, 20 + round * 70));
  if (way === 'main-exit') process.exit(7);
  if (way === 'main-end') {
    for (const { worker } of workers) worker.unref();
    break;
  }
  const asked = performance.now();
  if (way === 'exit') await Promise.all(workers.map(({ ended }) => ended));
  else await Promise.all(workers.map(({ worker }) => worker.terminate()));
  longestEndMs = Math.max(longestEndMs, performance.now() - asked);
}
if (way !== 'main-end') {
  const heldAfter = addon.info().liveHandles - start;
  const { loss } = await addon.createTrainer(await loadModel(addon), TRAINING).step(batchOf(addon), STEP);
  process.stdout.write(JSON.stringify({ heldAfter, loss, longestEndMs }));
}
