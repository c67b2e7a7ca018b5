/** A worker thread that imports every entry point of the package, loads MobileSAM and embeds pictures: `{ width, height }` of each. */
import { once } from 'node:events';
import { createRequire } from 'node:module';
import threads, { parentPort } from 'node:worker_threads';

// By message: this thread may have no workerData, or one that means something else.
const [{ pictures, cacheDir }] = await once(parentPort, 'message');
const { exports } = createRequire(import.meta.url)('sam-native/package.json');
for (const [path, target] of Object.entries(exports)) {
  if (typeof target === 'object') await import(`sam-native${path.slice(1)}`);
}
const { SamModel } = await import('sam-native');
const model = await SamModel.load('mobile-sam', { cacheDir, device: 'cpu' });
const sizes = [];
for (const picture of pictures) {
  const embedding = await model.embed(picture);
  sizes.push({ width: embedding.width, height: embedding.height });
  embedding.dispose();
}
model.dispose();
parentPort.postMessage({ sizes, workerData: threads.workerData });
parentPort.close();
