// Ends in the way named, some milliseconds after both lanes have been given more work than they can do by then.
//
//   node exit.mjs WAY DELAY_MS FOLDER
import { batchOf, loadAddon, loadEncoder, loadModel, picture, STEP, TRAINING } from './inputs.mjs';

const [way, delay, folder] = process.argv.slice(2);

const addon = loadAddon();
const trainer = addon.createTrainer(await loadModel(addon), TRAINING);
const encoder = await loadEncoder(addon);
const cache = await addon.openCache({ directory: folder, precision: 'fp16' });
const encoding = await encoder.begin(picture);
const batch = batchOf(addon);

const work = [];
for (let i = 0; i < 3; i++) {
  work.push(
    trainer.step(batch, STEP),
    encoding.advance(),
    encoder.begin(picture),
    cache.write(`key${i}`, batch.embeddings),
  );
}

const ends = {
  /** Nothing more to do: the process ends when the work has. */
  natural: () => {},
  exit: () => process.exit(7),
  throw: () => {
    throw new Error('thrown on purpose');
  },
  reject: () => void Promise.reject(new Error('rejected on purpose')),
  /** The work goes on until the signal comes. */
  signal: () => {},
  'signal-handled': () => {},
};
if (way.startsWith('signal')) setInterval(() => trainer.step(batch, STEP), 50);
if (way === 'signal-handled') process.on('SIGINT', () => process.exit(130));
process.stdout.write('working\n');
setTimeout(ends[way], Number(delay));
await Promise.all(work);
process.stdout.write('done\n');
