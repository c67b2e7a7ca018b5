/** A program: seconds of one piece of the decoder's work, and the peak memory of the process that does nothing else. */
import { cpus } from 'node:os';
import { native } from '../../dist/addon/native.js';
import { defaultCacheDir } from '../../dist/core/cache-dir.js';
import { resolveDevice } from '../../dist/device.js';
import { decoderFiles } from '../../dist/models/model.js';
import { resolveModel } from '../../dist/models/resolve.js';
import { timePrompts, timeStep } from '../../dist/tasks/bench/measure.js';

const EFFORT = { warmups: 2, rounds: 5 };
const SEPARATE = { pointSets: 'separate', maskOutput: 'single' };

/** `n`: images of a batch, or points of one image that are each a prompt. */
const JOBS = {
  batch: (model, n) => timeStep(model, n, EFFORT),
  points: (model, n) => timeStep(model, 1, EFFORT, undefined, { ...SEPARATE, points: n }),
  prompts: (model, n) => timePrompts(model, n, EFFORT),
};

const [job, n] = process.argv.slice(2);
native().setThreads(cpus().length);
const { device, precision } = resolveDevice('cpu', 'auto');
const resolved = await resolveModel('mobile-sam', { cacheDir: defaultCacheDir() });
const model = await native().loadModel({ ...decoderFiles(resolved), device, precision });
const seconds = await JOBS[job](model, Number(n));
process.stdout.write(JSON.stringify({ seconds, memory: process.resourceUsage().maxRSS / 1024 }));
