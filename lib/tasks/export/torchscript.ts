/** `export --to torchscript`: writes a model's halves as TorchScript, a file each. */
import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { PromptBatch } from '../../../binding.js';
import { native, nativeCall } from '../../addon/native.js';
import { isWeights } from '../../models/encoder.js';
import { decoderFiles } from '../../models/model.js';
import { type DecodedMasks, type Exported, eachPrompt } from './exported.js';
import type { Format, Job } from './format.js';
import { encodeBy, loadEncoder } from './own-loader.js';

const ENCODER = 'encoder.pt';
const DECODER = 'decoder.pt';

/**
 * The encoder's `forward(N x 3 x 1024 x 1024)`, normalised and padded, gives `N x 256 x 64 x 64`. Fine-tuning leaves the encoder as it
 * is, so that of a run is its source model's. The decoder's `forward` has the inputs of Meta's exporter to ONNX. Both are fp32.
 */
export const torchscript: Format = {
  parts: ['encoder', 'decoder', 'both'],
  ending: '.pt',
  async write(job) {
    const { model, part, folder } = job;
    if (part !== 'decoder') await writeEncoder(job, join(folder, ENCODER));
    if (part !== 'encoder') {
      const output = join(folder, DECODER);
      await nativeCall(() =>
        native().exportModel({ format: 'torchscript', part: 'decoder', ...decoderFiles(model), output }),
      );
    }
    return part === 'both' ? [ENCODER, DECODER] : [part === 'encoder' ? ENCODER : DECODER];
  },
  async open({ folder, signal }, names) {
    const exported: Exported = { close: async () => {} };
    if (names.includes(DECODER))
      exported.decode = (embedding, prompts) => decode(join(folder, DECODER), embedding, prompts);
    if (!names.includes(ENCODER)) return exported;
    const encoder = await loadEncoder(join(folder, ENCODER));
    return {
      ...exported,
      encode: (picture) => encodeBy(encoder, picture, signal),
      close: async () => encoder.dispose(),
    };
  },
};

async function writeEncoder({ model: { encoder } }: Job, output: string): Promise<void> {
  if (await isWeights(encoder)) {
    await nativeCall(() => native().exportModel({ format: 'torchscript', weights: encoder, output }));
  } else {
    await copyFile(encoder, output);
  }
}

async function decode(path: string, embedding: Float32Array, prompts: PromptBatch): Promise<DecodedMasks> {
  using embeddings = native().embeddingsFrom(embedding);
  return eachPrompt(prompts, ({ points, labels, mask }) =>
    nativeCall(() =>
      native().decodeScript({
        path,
        embeddings,
        prompts: 1,
        pointsPerPrompt: labels.length,
        points,
        pointLabels: labels,
        ...(mask !== undefined && { masks: mask }),
      }),
    ),
  );
}
