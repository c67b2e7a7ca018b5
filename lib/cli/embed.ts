/** `sam-native embed`: fills the embedding cache, and exports embeddings. */
import { z } from 'zod';
import { SamError } from '../core/errors.js';
import type { DataSource, Sample } from '../data/sample.js';
import type { EmbedImagesResult } from '../embeddings/embed-images.js';
import { dataOptions, modelOptions, optimiserOptions, promptOptions, sourceOptions } from '../options.js';
import { command } from './command.js';
import { encodingProgress } from './encoding-progress.js';

const { trainSplit, validationSplit, limit, skipBad } = dataOptions;

export default command({
  options: {
    ...sourceOptions,
    split: z.string().optional().describe('only this split (train and validation if not given)'),
    trainSplit,
    validationSplit,
    limit,
    skipBad,
    ...modelOptions,
    imageSize: promptOptions.imageSize,
    augment: optimiserOptions.augment.describe('encode the views of the training split that train --augment asks for'),
    export: z
      .string()
      .optional()
      .describe('write the embeddings to this safetensors file: fp32, 256x64x64, one tensor for each image'),
  },
  epilogue:
    'Examples:\n' +
    '  sam-native embed --data photos\n' +
    '  sam-native embed --data photos --split validation --precision fp32 --export embeddings.safetensors\n\n' +
    'An image is encoded once for each encoder, precision and --image-size; train, evaluate and predict then find it.\n' +
    'Masks are not needed. "sam-native cache ls" shows what is kept.',
  async run({ options, signal, reporter }): Promise<EmbedImagesResult> {
    if (options.export !== undefined && options.augment !== undefined) {
      const fix = 'export the pictures as they are, without --augment';
      throw new SamError('SAM_BAD_OPTION', '--export names each picture once; --augment makes several views', { fix });
    }
    const [{ embedImages }, { openSource, openSplit }, { allViews }] = await Promise.all([
      import('../embeddings/embed-images.js'),
      import('../data/open-data.js'),
      import('../data/views.js'),
    ]);
    const hooks = { onWarning: reporter.warn, onNote: reporter.say, signal };
    const images: Sample[] = [];
    const source = await openSource(options, hooks);
    for (const split of await splitsOf(options, source)) {
      const samples = await openSplit({ ...options, split, masks: 'ignored' }, hooks);
      const augment = split === options.trainSplit ? options.augment : undefined;
      for (const sample of allViews(samples, augment)) images.push(sample);
    }
    return embedImages({
      ...options,
      images,
      signal,
      onNote: reporter.say,
      onWarning: reporter.warn,
      onProgress: encodingProgress(reporter),
    });
  },
  summary({ count, cached, encoded, bytes, secondsPerImage, export: file }) {
    const speed = encoded === 0 ? '' : `, ${secondsPerImage.toFixed(2)} s each`;
    const lines = [
      `${count} images: ${cached} were in the cache, ${encoded} encoded${speed}; ${(bytes / 1e6).toFixed(0)} MB`,
    ];
    if (file !== null) lines.push(file);
    return lines.join('\n');
  },
});

/** The split asked for; else training and validation, of which a data set may have only one. */
async function splitsOf(
  options: { split?: string | undefined; trainSplit: string; validationSplit: string },
  source: DataSource,
): Promise<string[]> {
  if (options.split !== undefined) return [options.split];
  const both = [options.trainSplit, options.validationSplit];
  const there: string[] = [];
  for (const split of both) if (await source.hasSplit(split)) there.push(split);
  return there.length > 0 ? there : both;
}
