/**
 * Reading of pictures and labels: milliseconds a file, and the most memory, of several builds in turn.
 *
 *     node scripts/bench-reading.mjs FOLDER|FILE ROUNDS DIST [DIST ...]
 *
 * FOLDER has `images/` and `masks/`; of a FILE, a raster, all windows of 1024 pixels that overlap by a quarter are read. DIST is a compiled `dist/` of this package. Each round runs every build once, each in a process of its own.
 */
import { spawnSync } from 'node:child_process';
import { readdir, stat } from 'node:fs/promises';
import { join, parse, resolve } from 'node:path';

const [folder, rounds, ...builds] = process.argv.slice(2);

const peakOf = () => process.resourceUsage().maxRSS / 1024;

async function measureWindows(dist) {
  const { openPixels } = await import(join(dist, 'data/decode.js'));
  const begun = performance.now();
  const source = await openPixels({ name: 'raster', image: { path: folder } });
  for (let y = 0; y + 1024 <= source.height; y += 768) {
    for (let x = 0; x + 1024 <= source.width; x += 768) await source.read({ x, y, width: 1024, height: 1024 });
  }
  await source.close();
  return { windows: performance.now() - begun, peak: peakOf() };
}

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
  return { image: spent.image / samples.length, label: spent.label / samples.length, peak: peakOf() };
}

const median = (values) => values.toSorted((a, b) => a - b)[values.length >> 1];

if (process.env.SAM_BENCH_DIST !== undefined) {
  const work = (await stat(folder)).isDirectory() ? measure : measureWindows;
  console.log(JSON.stringify(await work(process.env.SAM_BENCH_DIST)));
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
    const medians = Object.keys(found[index][0]).map(
      (key) => `${key} ${median(found[index].map((one) => one[key])).toFixed(2)}`,
    );
    console.log(`${dist}: ${medians.join(', ')} (ms, peak in MiB)`);
  }
}
