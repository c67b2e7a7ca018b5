/**
 * The geotiff package: loaded here and nowhere else, when the first TIFF is opened, and without the worker threads it could start.
 * Deflate goes through Node's zlib, on a thread of its pool: geotiff's own (pako) holds up the event loop for as long as a strip takes,
 * and is slower.
 */
import { createRequire } from 'node:module';
import { promisify } from 'node:util';
import threads from 'node:worker_threads';
import { inflate } from 'node:zlib';

type Geotiff = typeof import('geotiff');

/** Values of Compression (TIFF) that mean deflate: Adobe's, and the older number for the same. */
const DEFLATE = [8, 32946];

const require = createRequire(import.meta.url);
let loaded: Geotiff | undefined;

/** Returns the package, loaded at the first call. */
export function geotiff(): Geotiff {
  loaded ??= load();
  return loaded;
}

function load(): Geotiff {
  const found = withoutWorkerData(() => require('geotiff') as Geotiff);
  found.addDecoder(DEFLATE, async () => zlibDecoder(found));
  return found;
}

/**
 * Keeps this thread's `workerData` from what is loaded. For its threads geotiff loads web-worker, which takes every worker thread for
 * one that it started: it runs the module in `workerData.mod`, and throws where there is no `workerData`. Nothing else sees the change,
 * since `require` is over before anything else runs.
 */
function withoutWorkerData<Result>(work: () => Result): Result {
  const slot: { workerData: unknown } = threads;
  const own = slot.workerData;
  try {
    slot.workerData = {};
    return work();
  } finally {
    slot.workerData = own;
  }
}

function zlibDecoder({ BaseDecoder }: Geotiff): Geotiff['BaseDecoder'] {
  return class extends BaseDecoder {
    override async decodeBlock(block: ArrayBufferLike): Promise<ArrayBufferLike> {
      const { buffer, byteOffset, byteLength } = await promisify(inflate)(new Uint8Array(block));
      return buffer.slice(byteOffset, byteOffset + byteLength);
    }
  };
}
