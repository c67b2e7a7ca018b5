/** `export --to onnx`: writes a model's halves as ONNX, in the layout that one or the other program opens. */
import { mkdir } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { native, nativeCall } from '../../addon/native.js';
import { decoderFiles } from '../../models/model.js';
import type { Graph } from '../../onnx/graph.js';
import { Weights } from '../../onnx/weights.js';
import { writeModel } from '../../onnx/write-model.js';
import { encoderSource } from './encoder-source.js';
import type { Format, Job } from './format.js';
import { epsilonOf } from './hugging-face.js';
import { openOnnx, WEIGHTS } from './onnx-exported.js';
import { LAYOUTS } from './onnx-layouts.js';

export const onnx: Format = {
  parts: ['both', 'encoder', 'decoder'],
  async write(job) {
    const layout = LAYOUTS[job.layout];
    await writeWeights(job);
    const weights = await Weights.open(join(job.folder, WEIGHTS));
    try {
      const epsilon = await epsilonOf(job.model);
      const names: string[] = [];
      const write = async (graph: Graph, name: string) => names.push(...(await writeGraph(job, graph, name)));
      for (const variant of ['fp32', ...job.variants] as const) {
        const nameOf = (file: string) => `${file}${layout.suffixes[variant]}.onnx`;
        const { encoder, decoder } = layout;
        if (job.part !== 'decoder') await write(encoder.build(weights, variant), nameOf(encoder.file));
        if (job.part !== 'encoder') await write(decoder.build(weights, variant, { epsilon }), nameOf(decoder.file));
      }
      if (job.part === 'both') names.push(...(await layout.writeOthers(job, { weights, epsilon, names })));
      return names;
    } finally {
      await weights.close();
    }
  },
  open: openOnnx,
};

/** Writes all of the model that is exported under Meta's names, which the networks know their weights by. */
async function writeWeights({ model, part, folder }: Job): Promise<void> {
  const { weights, decoder } = decoderFiles(model);
  const whole = part === 'decoder' ? ({ part: 'decoder' } as const) : encoderSource(model);
  const output = join(folder, WEIGHTS);
  await nativeCall(() =>
    native().exportModel({ format: 'meta', weights, ...whole, ...(decoder !== undefined && { decoder }), output }),
  );
}

/** Writes a graph under a name. Returns that and the name of its numbers, where they lie beside it. */
async function writeGraph({ model, folder, signal }: Job, graph: Graph, name: string): Promise<string[]> {
  const path = join(folder, name);
  await mkdir(dirname(path), { recursive: true });
  signal?.throwIfAborted();
  const metadata = { model: model.name, weightsHash: model.weightsHash };
  const paths = await writeModel(graph, path, { metadata });
  return paths.map((written) => join(dirname(name), basename(written)));
}
