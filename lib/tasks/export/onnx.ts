/** `export --to onnx`: writes a model's halves as ONNX, in the layout that one or the other program opens. */
import { mkdir } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { native, nativeCall } from '../../addon/native.js';
import { CONFIG, PREPROCESSOR } from '../../models/hub-files.js';
import { decoderFiles } from '../../models/model.js';
import { metaDecoder } from '../../onnx/decoder.js';
import type { Graph } from '../../onnx/graph.js';
import { Weights } from '../../onnx/weights.js';
import { writeModel } from '../../onnx/write-model.js';
import { encoderSource } from './encoder-source.js';
import type { Format, Job } from './format.js';
import { encoderOf, epsilonOf, visionConfig, writeConfigs } from './hugging-face.js';
import { openOnnx, WEIGHTS } from './onnx-exported.js';
import { ONNX_LAYOUTS } from './onnx-layouts.js';
import { answersWithBest, writeXAnyLabeling } from './x-anylabeling.js';

/** Decoder that gives the best of three masks alone. */
const BEST_DECODER = 'x-anylabeling-decoder.onnx';

export const onnx: Format = {
  parts: ['both', 'encoder', 'decoder'],
  async write(job) {
    const layout = ONNX_LAYOUTS[job.layout];
    await writeWeights(job);
    const weights = await Weights.open(join(job.folder, WEIGHTS));
    try {
      const options = { epsilon: await epsilonOf(job.model) };
      const names: string[] = [];
      const write = async (graph: Graph, name: string) => names.push(...(await writeGraph(job, graph, name)));
      for (const variant of job.variants) {
        const nameOf = (file: string) => `${file}${layout.suffixes[variant]}.onnx`;
        const { encoder, decoder } = layout;
        if (job.part !== 'decoder') await write(encoder.build(weights, variant), nameOf(encoder.file));
        if (job.part !== 'encoder') await write(decoder.build(weights, variant, options), nameOf(decoder.file));
      }
      if (job.part !== 'both') return names;
      if (job.layout === 'transformers.js') return [...names, ...(await writeTransformersJs(job, names))];
      // It takes the first mask of a decoder: where the model answers with another, it gets a decoder that gives that alone.
      const own = answersWithBest(job.model);
      if (own) await write(metaDecoder(weights, 'fp32', { ...options, masks: 'best' }), BEST_DECODER);
      const files = { encoder: 'encoder.onnx', decoder: own ? BEST_DECODER : 'decoder.onnx' };
      return [...names, await writeXAnyLabeling(job.folder, job.model, files)];
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

/** Writes what transformers.js knows the model by. Returns the names. */
async function writeTransformersJs({ folder, model }: Job, names: readonly string[]): Promise<string[]> {
  const beside = names.filter((name) => name.endsWith('_data')).map((name) => basename(name, '_data'));
  const external = {
    'transformers.js_config': { use_external_data_format: Object.fromEntries(beside.map((file) => [file, 1])) },
  };
  await writeConfigs(folder, model, {
    vision: visionConfig(await encoderOf(model)),
    ...(beside.length > 0 && { more: external }),
  });
  return [CONFIG, PREPROCESSOR];
}
