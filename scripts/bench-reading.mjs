/**
 * Reading of pictures and labels: milliseconds a file, and the most memory, of several builds in turn.
 *
 *     node scripts/bench-reading.mjs FOLDER ROUNDS DIST [DIST ...]
 *
 * FOLDER has `images/` and `masks/`; DIST is a compiled `dist/` of this package. Each round runs every build once, each in a process of its own.
 */
import { spawnSync } from 'node:child_process';
import { readdir } from 'node:fs/promises';
import { join, parse, resolve } from 'node:path';

const [folder, rounds, ...builds] = process.argv.slice(2);

async function measure(dist) {
  const { decodeImage, decodeMask, imageSize } = await import(join(dist, 'data/decode.js'));
  const masks = new Map((await readdir(join(folder, 'masks'))).map((file) => [parse(file).name, file]));
  const samples = (await readdir(join(folder, 'images'))).map((file) => ({
    name: file,
    image: { path: join(folder, 'images', file) },
    mask: { path: join(folder, 'masks', masks.get(parse(file).name) ?? '') },
  }));
  const spent = { image: 0, label: 0 };
  await decodeImage(samples[0]);
  for (const sample of samples) {
    const begun = performance.now();
    await decodeImage(sample);
    const decoded = performance.now();
    await decodeMask(sample, await imageSize(sample));
    spent.image += decoded - begun;
    spent.label += performance.now() - decoded;
  }
  const peak = process.resourceUsage().maxRSS / 1024;
  return { image: spent.image / samples.length, label: spent.label / samples.length, peak };
}

const median = (values) => values.toSorted((a, b) => a - b)[values.length >> 1];

if (process.env.SAM_BENCH_DIST !== undefined) {
  console.log(JSON.stringify(await measure(process.env.SAM_BENCH_DIST)));
} else {
  const found = builds.map(() => []);
  for (let round = 0; round < Number(rounds); round++) {
    for (const [index, dist] of builds.entries()) {
      const env = { ...process.env, SAM_BENCH_DIST: resolve(dist) };
      const { stdout, stderr } = spawnSync(process.execPath, process.argv.slice(1), { env, encoding: 'utf8' });
      if (stdout === '') throw new Error(stderr);
      found[index].push(JSON.parse(stdout));
    }
  }
  for (const [index, dist] of builds.entries()) {
    const of = (key) => median(found[index].map((one) => one[key])).toFixed(2);
    console.log(`${dist}: image ${of('image')} ms, label ${of('label')} ms, at most ${of('peak')} MiB`);
  }
}
