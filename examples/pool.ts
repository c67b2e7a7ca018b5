/**
 * A pool of worker threads over a folder of pictures: each thread reads, encodes, asks for the object in the middle and writes the
 * mask, and takes the next picture when it is done. A picture that can't be read is told, and the others go on.
 *
 *   npm install sam-native sharp
 *   node pool.ts FOLDER [OUT] [MODEL]              Node 22.18 or newer; before: npx tsx pool.ts …
 *
 * What the threads gain is that the main one stays free, and that one picture is read and another written while a third is encoded.
 * Encoding itself takes all cores already: two threads are enough, and each holds the model once more.
 */
import { once } from 'node:events';
import { mkdir, readdir } from 'node:fs/promises';
import { join, parse } from 'node:path';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { SamModel } from 'sam-native';
import sharp from 'sharp';

const THREADS = 2;

interface Job {
  picture: string;
  mask: string;
}

/** What a thread says of a job: the IoU that the model predicts for its mask, or why there is none. */
type Answer = { score: number } | { problem: string };

async function main(folder: string, out = 'masks', spec = 'mobile-sam'): Promise<void> {
  await mkdir(out, { recursive: true });
  const names = (await readdir(folder)).filter((name) => /\.(jpe?g|png|webp|tiff?)$/i.test(name)).sort();
  const jobs = names.map((name) => ({ picture: join(folder, name), mask: join(out, `${parse(name).name}.png`) }));
  const threads = Array.from(
    { length: Math.min(THREADS, jobs.length) },
    () => new Worker(new URL(import.meta.url), { workerData: spec }),
  );
  await Promise.all(threads.map((thread) => feed(thread, jobs)));
}

/** Gives a thread one job after another. An error that ends the thread rejects. */
async function feed(thread: Worker, jobs: Job[]): Promise<void> {
  for (let job = jobs.shift(); job !== undefined; job = jobs.shift()) {
    thread.postMessage(job);
    const [answer] = (await once(thread, 'message')) as [Answer];
    if ('score' in answer) console.log(`${job.mask}: ${answer.score.toFixed(3)}`);
    else {
      console.error(answer.problem);
      process.exitCode = 1;
    }
  }
  thread.postMessage(null);
}

async function work(): Promise<void> {
  const model = await SamModel.load(workerData as string);
  parentPort!.on('message', async (job: Job | null) => {
    if (job === null) {
      model.dispose();
      parentPort!.close();
      return;
    }
    const answer: Answer = await makeMask(model, job).catch((error: Error) => ({ problem: error.message }));
    parentPort!.postMessage(answer);
  });
}

async function makeMask(model: SamModel, { picture, mask: file }: Job): Promise<Answer> {
  const embedding = await model.embed(picture);
  try {
    const middle = [embedding.width / 2, embedding.height / 2] as const;
    const { mask, width, height, score } = await model.predict(embedding, { points: [middle], labels: [1] });
    await sharp(mask, { raw: { width, height, channels: 1 } })
      .toColourspace('b-w')
      .toFile(file);
    return { score };
  } finally {
    embedding.dispose();
  }
}

if (!isMainThread) await work();
else if (process.argv[2] === undefined) {
  console.error('usage: node pool.ts FOLDER [OUT] [MODEL]');
  process.exitCode = 2;
} else await main(process.argv[2], process.argv[3], process.argv[4]);
