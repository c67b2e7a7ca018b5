// Opens an export of `--to onnx --layout transformers.js` in transformers.js itself, and holds its masks against the model's.
//
//   node scripts/check-transformers-js.mjs MODEL FOLDER PICTURE X,Y [X,Y …] [--dtype fp32|fp16|q8] [--packages DIR]
//
// MODEL: what was exported. X,Y: points inside, in pixels of the picture; asked one by one, then all together. Installs
// @huggingface/transformers into DIR (a temporary folder if not given) unless it is there, without the script of onnxruntime-node, which
// would fetch files for GPUs from elsewhere. The picture is made 1024 pixels long first, since the two don't resize alike. Exit code 1
// below IoU 0.999 (fp16, q8: 0.99) of any of the masks that the model takes for the best.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import sharp from 'sharp';
import { SamModel } from '../dist/index.js';

const VERSION = '4.3.2';
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { dtype: { type: 'string', default: 'fp32' }, packages: { type: 'string' } },
});
const [spec, folder, picture, ...texts] = positionals;
const all = texts.map((text) => text.split(',').map(Number));
const prompts = all.length > 1 ? [...all.map((point) => [point]), all] : [all];

const scratch = mkdtempSync(join(tmpdir(), 'sam-transformers-js-'));
const packages = resolve(values.packages ?? scratch);
if (!existsSync(join(packages, 'node_modules/@huggingface/transformers'))) {
  const install = ['install', '--no-save', '--no-audit', '--no-fund', `@huggingface/transformers@${VERSION}`];
  const env = { ...process.env, ONNXRUNTIME_NODE_INSTALL: 'skip' };
  execFileSync('npm', ['--prefix', packages, ...install], { env, stdio: ['ignore', 'ignore', 'inherit'] });
}

// In a process of its own: LibTorch is in this one.
const CHILD = `
import { readFileSync, writeFileSync } from 'node:fs';
import { AutoProcessor, RawImage, SamModel } from '@huggingface/transformers';
const { folder, picture, prompts, dtype, out } = JSON.parse(process.argv[2]);
const options = { dtype, local_files_only: true };
const model = await SamModel.from_pretrained(folder, options);
const processor = await AutoProcessor.from_pretrained(folder, options);
const image = await RawImage.read(picture);
const answers = [];
for (const [i, points] of prompts.entries()) {
  const inputs = await processor(image, { input_points: [points], input_labels: [points.map(() => 1)] });
  const { pred_masks, iou_scores } = await model(inputs);
  const [masks] = await processor.post_process_masks(pred_masks, inputs.original_sizes, inputs.reshaped_input_sizes);
  const scores = [...iou_scores.data];
  const best = scores.indexOf(Math.max(...scores));
  writeFileSync(out + i, masks[0][best].data);
  answers.push({ score: scores[best], dims: masks.dims });
}
writeFileSync(out, JSON.stringify(answers));
`;

try {
  const resized = join(scratch, 'picture.png');
  const original = await sharp(picture).metadata();
  const { width, height } = await sharp(picture).resize(1024, 1024, { fit: 'inside' }).png().toFile(resized);
  const scaled = prompts.map((points) =>
    points.map(([x, y]) => [(x * width) / original.width, (y * height) / original.height]),
  );
  const child = join(packages, 'check-transformers-js-child.mjs');
  const out = join(scratch, 'masks');
  writeFileSync(child, CHILD);
  const request = { folder: resolve(folder), picture: resized, prompts: scaled, dtype: values.dtype, out };
  execFileSync(process.execPath, [child, JSON.stringify(request)], { stdio: ['ignore', 'inherit', 'inherit'] });
  const answers = JSON.parse(readFileSync(out, 'utf8'));

  const model = await SamModel.load(spec, { device: 'cpu', precision: 'fp32' });
  const embedding = await model.embed(resized);
  const least = values.dtype === 'fp32' ? 0.999 : 0.99;
  for (const [i, points] of scaled.entries()) {
    const options = { points, maskOutput: 'multi', multiMask: 'best', pointSets: 'joint' };
    const { mask, score } = await model.predict(embedding, options);
    const theirs = readFileSync(out + i);
    let [both, either] = [0, 0];
    for (let at = 0; at < mask.length; at++) {
      both += mask[at] !== 0 && theirs[at] !== 0 ? 1 : 0;
      either += mask[at] !== 0 || theirs[at] !== 0 ? 1 : 0;
    }
    const iou = both / either;
    if (!(iou >= least)) process.exitCode = 1;
    const scores = `score ${answers[i].score.toFixed(5)} for ${score.toFixed(5)}`;
    console.log(`${points.length} points, ${values.dtype}: IoU ${iou.toFixed(5)}, ${scores}`);
  }
  embedding.dispose();
  model.dispose();
} finally {
  rmSync(scratch, { recursive: true });
}
