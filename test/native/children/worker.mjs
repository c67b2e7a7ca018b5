// A worker thread that loads the addon for itself, says so, and then works until it is stopped, or ends as it is told.
import { parentPort, workerData } from 'node:worker_threads';
import { batchOf, loadAddon, loadEncoder, loadModel, picture, STEP, TRAINING } from './inputs.mjs';

const addon = loadAddon();
const trainer = addon.createTrainer(await loadModel(addon), TRAINING);
const encoder = await loadEncoder(addon);
const batch = batchOf(addon);
const work = [];
for (let i = 0; i < (workerData.steps ?? 150); i++) work.push(trainer.step(batch, STEP), encoder.begin(picture));
parentPort.postMessage('working');
if (workerData.exit) setTimeout(() => process.exit(0), 50);
const results = await Promise.all(work);
parentPort.postMessage({ losses: results.filter(({ loss }) => loss !== undefined).map(({ loss }) => loss) });
