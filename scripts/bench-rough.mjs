/**
 * What a rough mask of a 4096 x 4096 image costs: each loop by itself, then all of them in their thread, with the delay of
 * the event loop meanwhile.
 *
 *   node scripts/bench-rough.mjs [side, default 4096]
 */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import sharp from 'sharp';
import { chebyshevDistance } from '../dist/prompts/morphology.js';
import { dropSmall, fillHoles } from '../dist/prompts/rough/components.js';
import { hsvMask } from '../dist/prompts/rough/hsv.js';
import { RoughThread } from '../dist/prompts/rough/thread.js';

const side = Number(process.argv[2] ?? 4096);
const ROUNDS = 5;

/** Blurred noise: blobs of every size with ragged edges and holes, as a photograph's colours make them. */
async function picture() {
  const small = Math.ceil(side / 8);
  const noise = { type: 'gaussian', mean: 128, sigma: 60 };
  const coarse = await sharp({ create: { width: small, height: small, channels: 3, background: '#000', noise } })
    .blur(3)
    .resize(side, side)
    .normalise()
    .raw()
    .toBuffer();
  const fine = await sharp({ create: { width: side, height: side, channels: 3, background: '#000', noise } })
    .raw()
    .toBuffer();
  return Uint8Array.from(coarse, (value, index) => value * 0.9 + fine[index] * 0.1);
}

const milliseconds = (work) => {
  const times = [];
  let result;
  for (let round = 0; round < ROUNDS; round++) {
    const started = performance.now();
    result = work();
    times.push(performance.now() - started);
  }
  return { result, time: times.toSorted((a, b) => a - b)[ROUNDS >> 1] };
};

const pixels = await picture();
const bands = { hue: [60, 300], saturation: [0.05, 1], value: [0.1, 0.9] };
const mask = milliseconds(() => hsvMask(pixels, bands));
const dropped = milliseconds(() => dropSmall(mask.result, side, side, 50));
const filled = milliseconds(() => fillHoles(dropped.result, side, side));
const inside = milliseconds(() => chebyshevDistance(filled.result, side, side));
const outside = milliseconds(() =>
  chebyshevDistance(
    filled.result.map((value) => 1 - value),
    side,
    side,
  ),
);
const steps = {
  hsv: mask,
  components: dropped,
  holes: filled,
  'distance (erosion)': inside,
  'distance (dilation)': outside,
};
for (const [name, { time }] of Object.entries(steps))
  console.log(`${name.padEnd(20)} ${time.toFixed(0).padStart(6)} ms`);
const sum = Object.values(steps).reduce((total, { time }) => total + time, 0);
console.log(`${'sum'.padEnd(20)} ${sum.toFixed(0).padStart(6)} ms  (medians of ${ROUNDS}, ${side} x ${side})`);

const thread = new RoughThread();
const cleaning = { minArea: 50, fillHoles: true, largest: false };
for (let round = 0; round < ROUNDS; round++) {
  const copy = pixels.slice();
  const delay = monitorEventLoopDelay({ resolution: 1 });
  await new Promise((resolve) => setTimeout(resolve, 50));
  delay.enable();
  const started = performance.now();
  await thread.make({
    source: { kind: 'hsv', pixels: copy, bands },
    width: side,
    height: side,
    cleaning,
    distances: true,
  });
  const took = performance.now() - started;
  await new Promise((resolve) => setTimeout(resolve, 20));
  delay.disable();
  console.log(`in the thread: ${took.toFixed(0)} ms, event loop delayed by at most ${(delay.max / 1e6).toFixed(1)} ms`);
}
await thread.dispose();
