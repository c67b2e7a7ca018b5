/** `sam-native bench`: what this machine does, and what that means for a training run. */
import { z } from 'zod';
import { words } from '../core/words.js';
import { VITS } from '../models/encoders.js';
import { modelOptions } from '../options.js';
import type { BenchResult } from '../tasks/bench/bench.js';
import { benchMarkdown } from '../tasks/bench/markdown.js';
import { command } from './command.js';

const { device, precision, threads, cacheDir } = modelOptions;
const SIZES = VITS.map(({ size }) => size);

export default command({
  options: {
    models: z
      .string()
      .min(1)
      .optional()
      .describe(
        'models whose encoders are timed, with commas, as --model takes them (random weights of --sizes if not given)',
      ),
    sizes: z
      .string()
      .refine((text) => words(text).every((size) => SIZES.some((known) => known === size)), `expected some of ${SIZES}`)
      .default(SIZES.join(','))
      .describe("sizes of SAM's encoder to time with random weights, with commas"),
    device,
    precision: precision.describe('type of encoder and decoder; auto times encoders in fp32 and in what it chooses'),
    threads,
    cacheDir,
    quick: z.boolean().default(false).describe('measure once, to see that it works; the figures mean little'),
    out: z.string().min(1).optional().describe('write the tables to this file (Markdown) too'),
  },
  epilogue:
    'Examples:\n' +
    '  sam-native bench\n' +
    '  sam-native bench --sizes base --out bench.md\n' +
    '  sam-native bench --models mobile-sam,facebook/sam-vit-huge --device cuda --json\n\n' +
    'No data, no weights and no network are needed: speed does not depend on what the weights are. Random ones are written to the\n' +
    'cache folder while they are measured (ViT-H takes 2.5 GB) and removed. All sizes take about ten minutes on two CPU cores;\n' +
    'close other programs first.\n\n' +
    'It says how many images a second the encoder takes, by size and precision; how many steps a second the decoder trains, by batch;\n' +
    "how long a prompt takes once the image is encoded; and from these, hours for 1000 images and 50 epochs, beside the article's\n" +
    "T4 (12 hours) and the limit of a T4's data sheet. On a T4 that comparison is measured; anywhere else it is projected and says so.",
  async run({ options, reporter, signal }): Promise<BenchResult & { out: string | null }> {
    const [{ bench }, { defaultCacheDir }, { writeFileWhole }] = await Promise.all([
      import('../tasks/bench/bench.js'),
      import('../core/cache-dir.js'),
      import('../core/files.js'),
    ]);
    const bar = reporter.task('measuring', 1, { plain: false });
    const result = await bench({
      ...options,
      models: options.models === undefined ? undefined : words(options.models),
      sizes: SIZES.filter((size) => words(options.sizes).includes(size)),
      cacheDir: options.cacheDir ?? defaultCacheDir(),
      signal,
      onNote: reporter.say,
      onProgress: ({ done, total }) => bar.update(done, '', total),
    });
    bar.end();
    if (options.out !== undefined) await writeFileWhole(options.out, `${benchMarkdown(result)}\n`);
    return { ...result, out: options.out ?? null };
  },
  summary: benchMarkdown,
});
