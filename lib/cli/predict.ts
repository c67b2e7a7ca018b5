/** `sam-native predict INPUT…`: writes masks for images and folders. */
import { z } from 'zod';
import { without } from '../core/without.js';
import type { PredictImagesResult, PredictOutput } from '../prediction/predict-images.js';
import { type PredictProgress, predictImagesOptionsSchema } from '../prediction/predict-options.js';
import { parseBox, parsePoint } from '../prediction/user-prompt.js';
import { command } from './command.js';
import { encodingProgress } from './encoding-progress.js';
import type { ProgressTask, Reporter } from './progress.js';

export default command({
  options: {
    point: z
      .array(z.string())
      .optional()
      .describe('x,y,label in pixels of the image, label 1 inside or 0 outside; may be given again and again'),
    box: z.string().optional().meta({ once: true, description: 'x0,y0,x1,y1 in pixels of the image' }),
    ...predictImagesOptionsSchema.omit({ images: true, points: true, labels: true, box: true }).shape,
  },
  positionals: {
    input: { describe: 'images, or folders of images', type: 'string', array: true, demandOption: true },
  },
  epilogue:
    'Examples:\n' +
    '  sam-native predict river.jpg --point 120,80,1 --point 300,200,0\n' +
    '  sam-native predict photos --model runs/first --out masks\n' +
    '  sam-native predict photos --model runs/first --masks rough\n' +
    '  sam-native predict photos --model runs/first --rough-mask hsv --hue 190-250 --attempts 10\n' +
    '  sam-native predict scene.tif --model runs/first --masks rough --bands 3,2,1 --polygons\n\n' +
    'Without --point, --box, --masks and rough masks (--rough-mask, or those that the model was trained with) the prompt is found: each point of an 8x8 grid is tried, the mask that most of them\n' +
    'agree on (of those that cover 1 % to 95 % of the picture) is taken as a rough mask, and a prompt of the kind that the\n' +
    'model was trained with is drawn from it. This guesses what stands out; rough masks or points are safer. Such masks are\n' +
    'marked "guessed", however high the IoU is that the model predicts for them: that says how good a mask is for its prompt. Each line\n' +
    'also says how much of the picture the mask covers and, where prompts were drawn from a mask, how much that one covers and\n' +
    'the IoU of the two; "guessed", "coverage" and "roughMask" in the result.\n' +
    'Masks are PNG, 0 and 255, at the size of the image. A GeoTIFF of any size is predicted in overlapping tiles that are blended,\n' +
    'each with a prompt from its own part of the rough mask, or with the points in it; its mask is a GeoTIFF of the same place.\n\n' +
    'Behind -- a name may begin with a dash: sam-native predict --point 120,80 -- -a.png',
  async run({ options, given, positionals, reporter, hooks }): Promise<PredictImagesResult> {
    const prompt = givenPrompt(options.point, options.box);
    const { predictImages } = await import('../prediction/predict-images.js');
    const asked = { ...without(given, 'point', 'box'), ...prompt, images: positionals.input as string[] };
    return predictImages(asked, { ...hooks, onProgress: presenter(reporter) });
  },
  summary: ({ outputs }) => outputs.map(lineOf).join('\n'),
});

/** Says how far an output can be relied on: what the model thinks of its mask, beside what anyone can see of it. */
export function lineOf({ mask, score, guessed, coverage, roughMask }: PredictOutput): string {
  const beside =
    roughMask === null ? '' : `; rough mask ${percent(roughMask.coverage)}, IoU of the two ${roughMask.iou.toFixed(3)}`;
  const iou = `predicted IoU ${score.toFixed(3)}`;
  return `${mask}  ${guessed ? 'guessed, ' : ''}${iou}, covers ${percent(coverage)}${beside}`;
}

/** Writes a share in percent, with a decimal where all or nothing is near: 38 %, 9.9 %, 98.6 %. */
function percent(share: number): string {
  const value = share * 100;
  if (share > 0 && value < 0.05) return 'under 0.1 %';
  if (share < 1 && value >= 99.95) return 'over 99.9 %';
  const digits = share > 0 && share < 1 && (value < 10 || value > 90) ? 1 : 0;
  return `${value.toFixed(digits)} %`;
}

/** Reads the prompt in the flags, as `predictImages` takes it. */
function givenPrompt(points: readonly string[] | undefined, box: string | undefined) {
  const parsed = points?.map(parsePoint);
  return {
    ...(parsed && { points: parsed.map(({ point }) => point), labels: parsed.map(({ label }) => label) }),
    ...(box !== undefined && { box: parseBox(box) }),
  };
}

function presenter(reporter: Reporter): (progress: PredictProgress) => void {
  const encoding = encodingProgress(reporter);
  let bar: ProgressTask | undefined;
  let tiles: ProgressTask | undefined;
  return (progress) => {
    if (progress.stage === 'encode') return encoding(progress);
    if (progress.stage === 'tiles') {
      tiles ??= reporter.task('tiles', progress.total);
      tiles.update(progress.done, progress.name, progress.total);
      if (progress.done < progress.total) return;
      tiles.end();
      tiles = undefined;
      return;
    }
    bar ??= reporter.task('masks', progress.total);
    bar.update(progress.done, 'images', progress.total);
    if (progress.done >= progress.total) bar.end();
  };
}
