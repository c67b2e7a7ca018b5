/**
 * What a rough mask of a 4096 x 4096 image costs: each loop by itself, then all of them in their thread, with the delay of
 * the event loop meanwhile.
 *
 *   node scripts/bench-rough.mjs [side, default 4096]
 */
import { cpus, loadavg } from 'node:os';
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

/** Median wall and processor time: on a machine that does other work too, the second says more. */
const milliseconds = (work) => {
  const walls = [];
  const processors = [];
  let result;
  for (let round = 0; round < ROUNDS; round++) {
    const started = performance.now();
    const before = process.cpuUsage();
    result = work();
    walls.push(performance.now() - started);
    const { user, system } = process.cpuUsage(before);
    processors.push((user + system) / 1000);
  }
  const middle = (times) => times.toSorted((a, b) => a - b)[ROUNDS >> 1];
  return { result, wall: middle(walls), processor: middle(processors) };
};

const pixels = await picture();
const bands = { hue: [60, 300], saturation: [0.05, 1], value: [0.1, 0.9] };
const mask = milliseconds(() => hsvMask(pixels, bands));
const dropped = milliseconds(() => dropSmall(mask.result, side, side, 50));
const filled = milliseconds(() => fillHoles(dropped.result, side, side));
const inside = milliseconds(() => chebyshevDistance(filled.result, side, side));
const outside = milliseconds(() => chebyshevDistance(filled.result, side, side, 0));
const steps = {
  hsv: mask,
  components: dropped,
  holes: filled,
  'distance (erosion)': inside,
  'distance (dilation)': outside,
};
const row = (name, wall, processor) =>
  console.log(
    `${name.padEnd(20)} ${wall.toFixed(0).padStart(6)} ms  ${processor.toFixed(0).padStart(6)} ms of a processor`,
  );
for (const [name, { wall, processor }] of Object.entries(steps)) row(name, wall, processor);
const sum = (key) => Object.values(steps).reduce((total, step) => total + step[key], 0);
row('sum', sum('wall'), sum('processor'));
console.log(
  `(medians of ${ROUNDS}, ${side} x ${side}, load ${loadavg()[0].toFixed(1)} on ${cpus().length} processors)`,
);

/** The longest delay of the event loop while `work` goes on, milliseconds. */
async function delayDuring(work) {
  const delay = monitorEventLoopDelay({ resolution: 1 });
  await new Promise((resolve) => setTimeout(resolve, 50));
  delay.enable();
  const before = performance.eventLoopUtilization();
  const started = performance.now();
  await work();
  const took = performance.now() - started;
  await new Promise((resolve) => setTimeout(resolve, 20));
  delay.disable();
  const { active } = performance.eventLoopUtilization(before);
  return { took, delay: delay.max / 1e6, active };
}

const thread = new RoughThread();
const cleaning = { minArea: 50, fillHoles: true, largest: false };
for (let round = 0; round < ROUNDS; round++) {
  const copy = pixels.slice();
  const request = {
    source: { kind: 'hsv', pixels: copy, bands },
    width: side,
    height: side,
    cleaning,
    distances: true,
  };
  const busy = await delayDuring(() => thread.make(request));
  const idle = await delayDuring(() => new Promise((resolve) => setTimeout(resolve, busy.took)));
  console.log(
    `in the thread: ${busy.took.toFixed(0)} ms, event loop delayed by at most ${busy.delay.toFixed(1)} ms ` +
      `(as long with nothing to do: ${idle.delay.toFixed(1)} ms); active for ${busy.active.toFixed(1)} ms in all (${idle.active.toFixed(1)} ms)`,
  );
}
await thread.dispose();
