/**
 * The geotiff package, which reads the directories of TIFFs, and the lerc package that comes with it: loaded here and nowhere else, when
 * the first TIFF is opened, and without the worker threads that geotiff could start.
 */
import { createRequire } from 'node:module';
import threads from 'node:worker_threads';

type Geotiff = typeof import('geotiff');

/** The lerc package, as far as it is used. */
interface Lerc {
  decode(
    block: ArrayBufferLike,
    options: { returnPixelInterleavedDims: boolean },
  ): {
    readonly width: number;
    readonly height: number;
    /** Bands, or one array of all where a pixel has several values. */
    readonly pixels: readonly (Uint8Array | Int8Array | Uint16Array | Int16Array | Float32Array | Float64Array)[];
    /** 1 where a pixel holds data; null: everywhere. */
    readonly mask: Uint8Array | null | undefined;
  };
}

const require = createRequire(import.meta.url);
let loaded: Geotiff | undefined;

/** Returns the package, loaded at the first call. */
export function geotiff(): Geotiff {
  loaded ??= withoutWorkerData(() => require('geotiff') as Geotiff);
  return loaded;
}

/** Returns the package that unpacks LERC. */
export function lerc(): Lerc {
  return require('lerc') as Lerc;
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
