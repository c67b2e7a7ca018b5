// Loads the addon and then a copy of its file, in one process, and prints what came of the copy. Then the first must still work.
//
//   node copies.mjs COPY
import { createRequire } from 'node:module';
import { batchOf, loadAddon, loadModel, STEP, TRAINING } from './inputs.mjs';

const addon = loadAddon();
let failure = null;
try {
  createRequire(import.meta.url)(process.argv[2]);
} catch ({ code, message, detail }) {
  failure = { code, message, detail };
}
const { loss } = await addon.createTrainer(await loadModel(addon), TRAINING).step(batchOf(addon), STEP);
process.stdout.write(JSON.stringify({ failure, loss }));
