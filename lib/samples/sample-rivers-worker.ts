/** The thread that draws: one request, one answer. */
import { parentPort } from 'node:worker_threads';
import { drawRiver } from './rivers/scene.js';
import type { RiverRequest } from './sample-rivers.js';

parentPort?.on('message', ({ split, index }: RiverRequest) => {
  const { pixels, mask } = drawRiver(split, index);
  const buffers = [pixels.buffer, mask.buffer].filter((buffer) => buffer instanceof ArrayBuffer);
  parentPort?.postMessage({ pixels, mask }, buffers);
});
