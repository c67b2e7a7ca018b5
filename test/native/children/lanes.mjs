// Several threads, each with work for both lanes of its own copy of the classes, in one process.
//
//   node lanes.mjs trace FILE    three threads at once: writes LibTorch's trace of it
//   node lanes.mjs blocked       one thread asks for work, then blocks until another's is done: prints whether that came to an end
//   node lanes.mjs profile       two threads that never rest: prints when a profile has been started and stopped beside them
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { batchOf, loadAddon, loadEncoder, loadModel, picture, STEP, TRAINING } from './inputs.mjs';

const PATIENCE_MS = 40_000;
const { way, flag } = isMainThread ? {} : workerData;
const addon = loadAddon();
const trainer = addon.createTrainer(await loadModel(addon), TRAINING);
const encoder = await loadEncoder(addon);
const batch = batchOf(addon);

const work = (count) =>
  Promise.all(
    Array.from({ length: count }, () => [trainer.step(batch, STEP), encoder.begin(picture).then(() => {})]).flat(),
  );

async function inside() {
  await work(1);
  parentPort.postMessage('ready');
  await once(parentPort, 'message');
  if (way === 'trace') await work(5);
  if (way === 'profile') for (;;) await work(4);
  if (way === 'blocked') {
    const asked = work(3);
    parentPort.postMessage('blocked');
    const end = Atomics.wait(flag, 0, 0, PATIENCE_MS);
    await asked;
    return parentPort.postMessage(end);
  }
  parentPort.postMessage('done');
}

async function startWorkers(count, data) {
  const workers = Array.from({ length: count }, () => new Worker(new URL(import.meta.url), { workerData: data }));
  await Promise.all(workers.map((worker) => once(worker, 'message')));
  return workers;
}

function go(workers) {
  for (const worker of workers) worker.postMessage('go');
  return Promise.all(workers.map((worker) => once(worker, 'message')));
}

const ways = {
  trace: async (file) => {
    const workers = await startWorkers(2, { way: 'trace' });
    addon.startProfile({ device: 'cpu' });
    await Promise.all([go(workers), work(5)]);
    addon.stopProfile({ path: file });
    await Promise.all(workers.map((worker) => worker.terminate()));
  },
  blocked: async () => {
    const flag = new Int32Array(new SharedArrayBuffer(4));
    const [worker] = await startWorkers(1, { way: 'blocked', flag });
    await go([worker]);
    await work(3);
    Atomics.store(flag, 0, 1);
    Atomics.notify(flag, 0);
    const [end] = await once(worker, 'message');
    process.stdout.write(end);
    await worker.terminate();
  },
  profile: async () => {
    const workers = await startWorkers(2, { way: 'profile' });
    for (const worker of workers) worker.postMessage('go');
    for (let i = 0; i < 3; i++) {
      addon.startProfile({ device: 'cpu' });
      addon.stopProfile({ path: `${tmpdir()}/sam-lanes-${process.pid}.json` });
    }
    process.stdout.write('profiled');
    await Promise.all(workers.map((worker) => worker.terminate()));
  },
};

if (isMainThread) await ways[process.argv[2]](process.argv[3]);
else await inside();
