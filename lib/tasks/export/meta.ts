/** `export --to meta`: writes a model as Meta's `sam_model_registry` reads it; one with a TinyViT as MobileSAM's own package does. */
import { join } from 'node:path';
import { native, nativeCall } from '../../addon/native.js';
import { decoderFiles } from '../../models/model.js';
import { encoderSource } from './encoder-source.js';
import type { Format, Job } from './format.js';
import { openWeights } from './own-loader.js';

const nameOf = ({ model, part }: Job) => (part === 'decoder' ? `${model.name}-decoder.pth` : `${model.name}.pth`);

export const meta: Format = {
  parts: ['both', 'decoder'],
  ending: '.pth',
  async write(job) {
    const name = nameOf(job);
    const { weights, decoder } = decoderFiles(job.model);
    const whole = job.part === 'decoder' ? ({ part: 'decoder' } as const) : encoderSource(job.model);
    await nativeCall(() =>
      native().exportModel({
        format: 'meta',
        container: 'pth',
        weights,
        ...whole,
        ...(decoder !== undefined && { decoder }),
        output: join(job.folder, name),
      }),
    );
    return [name];
  },
  open: (job, [name]) => openWeights(job, name!),
};
