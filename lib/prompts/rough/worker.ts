/** The thread that makes rough masks: one request, one answer. */
import { parentPort } from 'node:worker_threads';
import { computeRoughMask, type RoughRequest } from './compute.js';
import { buffersOf } from './thread.js';

parentPort?.on('message', (request: RoughRequest) => {
  const result = computeRoughMask(request);
  const { inside, outside } = result.distances ?? {};
  parentPort?.postMessage(result, buffersOf(result.values, inside, outside));
});
