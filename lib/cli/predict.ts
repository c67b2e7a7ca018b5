/** `sam-native predict INPUT…`: masks for images and folders. */
import { z } from 'zod';
import { SamError } from '../core/errors.js';
import { dataOptions, modelOptions, promptOptions } from '../options.js';
import type { PredictImagesResult } from '../prediction/predict-images.js';
import type { PredictProgress } from '../prediction/predict-options.js';
import { parseBox, parsePoint, type UserPrompt } from '../prediction/user-prompt.js';
import { command } from './command.js';
import { encodingProgress } from './encoding-progress.js';
import type { ProgressTask, Reporter } from './progress.js';

export default command({
  options: {
    point: z
      .array(z.string())
      .optional()
      .describe('x,y,label in pixels of the image, label 1 inside or 0 outside; may be given again and again'),
    box: z.string().optional().describe('x0,y0,x1,y1 in pixels of the image'),
    masks: z
      .string()
      .optional()
      .describe('folder of rough or exact masks, matched by name: prompts are drawn from them'),
    out: z.string().default('predictions').describe('folder for the masks, <name>.png each'),
    saveLogits: z.boolean().default(false).describe('write the 256x256 logits too, <name>.safetensors each'),
    attempts: z
      .number()
      .int()
      .min(1)
      .max(1000)
      .default(1)
      .describe('draw so many prompts, with other erosions, and keep the mask of the highest predicted IoU'),
    refine: z.number().int().min(0).max(100).default(0).describe('feed the mask back as a prompt so many times'),
    tile: z
      .number()
      .int()
      .min(0)
      .optional()
      .describe(
        'side of the tiles of a raster, pixels (1024 if not given, for GeoTIFFs and TIFFs above 2048; 0: no tiles)',
      ),
    polygons: z
      .boolean()
      .default(false)
      .describe('write the objects of each mask too, <name>.geojson each: longitude and latitude for GeoTIFFs'),
    simplify: z
      .number()
      .min(0)
      .optional()
      .describe(
        'leave out corners of polygons within so many pixels of the outline (every corner is kept if not given)',
      ),
    skipBad: dataOptions.skipBad,
    onEmpty: z
      .enum(['skip', 'fail'])
      .default('fail')
      .describe('what to do with an image whose rough mask has not a single pixel'),
    ...modelOptions,
    ...promptOptions,
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
    'model was trained with is drawn from it. This guesses what stands out; rough masks or points are safer. "promptSource"\n' +
    'in the result says which way it was.\n' +
    'Masks are PNG, 0 and 255, at the size of the image. A GeoTIFF of any size is predicted in overlapping tiles that are blended,\n' +
    'each with a prompt from its own part of the rough mask, or with the points in it; its mask is a GeoTIFF of the same place.',
  async run({ options, given, positionals, signal, reporter }): Promise<PredictImagesResult> {
    const prompt = givenPrompt(options.point, options.box);
    if (options.simplify !== undefined && !options.polygons) {
      throw new SamError('SAM_BAD_OPTION', '--simplify is about polygons, and none are asked for', {
        fix: 'give --polygons too',
      });
    }
    const [{ predictImages }, { openImages }] = await Promise.all([
      import('../prediction/predict-images.js'),
      import('../data/open-data.js'),
    ]);
    const images = await openImages(positionals.input as string[]);
    return predictImages({
      ...options,
      images,
      prompt,
      prompts: given,
      signal,
      onNote: reporter.say,
      onWarning: reporter.warn,
      onProgress: presenter(reporter),
    });
  },
  summary: ({ outputs }) => outputs.map(({ mask, score }) => `${mask}  predicted IoU ${score.toFixed(3)}`).join('\n'),
});

/** Undefined where neither points nor a box were given. */
function givenPrompt(points: readonly string[] | undefined, box: string | undefined): UserPrompt | undefined {
  if (points === undefined && box === undefined) return undefined;
  const parsed = (points ?? []).map(parsePoint);
  return {
    points: parsed.map(({ point }) => point),
    labels: parsed.map(({ label }) => label),
    box: box === undefined ? null : parseBox(box),
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
