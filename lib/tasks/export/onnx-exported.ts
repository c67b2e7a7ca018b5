/** Exported ONNX files at work, in ONNX Runtime. */
import { join } from 'node:path';
import { promptOptionsFor } from '../../models/prompt-options.js';
import { Graph, type Variant } from '../../onnx/graph.js';
import { imagePositions } from '../../onnx/positions.js';
import { findOnnxRuntime, GET_ONNX_RUNTIME, OnnxRuntime } from '../../onnx/runtime.js';
import { Weights } from '../../onnx/weights.js';
import { writeModel } from '../../onnx/write-model.js';
import { type Exported, eachPrompt } from './exported.js';
import type { Job } from './format.js';
import { type Layout, ONNX_LAYOUTS } from './onnx-layouts.js';

/** File of the weights that the networks are made of, beside what is exported; it stays there. */
export const WEIGHTS = 'weights.safetensors';

/**
 * Opens the files of a variant in ONNX Runtime.
 *
 * @returns what runs them, or, in words, why they can't be run here.
 * @throws SamError `SAM_INTERNAL`: ONNX Runtime refuses a file.
 */
export async function openOnnx(job: Job, names: readonly string[], variant: Variant): Promise<Exported | string> {
  const found = findOnnxRuntime();
  if (found === undefined) return `ONNX Runtime is not installed: ${GET_ONNX_RUNTIME}`;
  const layout = ONNX_LAYOUTS[job.layout];
  if (job.part !== 'encoder' && !layout.decoder.takesMasks && promptOptionsFor({}, job.model).maskPrompt) {
    return `the layout ${job.layout} takes no masks as prompts, which this model was tuned with`;
  }
  job.onNote?.(`running the ${variant} files in ${found.name}`);
  const runtime = new OnnxRuntime(found, job.signal);
  try {
    const open = async ({ file }: { file: string }) => {
      const name = `${file}${layout.suffixes[variant]}.onnx`;
      return names.includes(name) ? runtime.open(join(job.folder, name)) : undefined;
    };
    const encoder = await open(layout.encoder);
    const decoder = await open(layout.decoder);
    return {
      ...(encoder && { encode: encodeBy(layout, encoder) }),
      ...(decoder && { decode: decodeBy(layout, decoder, await positionsOf(job, runtime)) }),
      close: async () => runtime.close(),
    };
  } catch (error) {
    runtime.close();
    throw error;
  }
}

type Run = Awaited<ReturnType<OnnxRuntime['open']>>;

function encodeBy({ encoder }: Layout, run: Run): NonNullable<Exported['encode']> {
  return async (picture) => {
    const { image_embeddings } = await run(encoder.inputs(picture), ['image_embeddings']);
    return image_embeddings!.data as Float32Array;
  };
}

function decodeBy({ decoder }: Layout, run: Run, positions: Float32Array): NonNullable<Exported['decode']> {
  return (embedding, prompts) =>
    eachPrompt(prompts, async (prompt) => {
      const outputs = await run(decoder.inputs({ embedding, positions }, prompt), [decoder.masks, decoder.ious]);
      return {
        lowResLogits: outputs[decoder.masks]!.data as Float32Array,
        iouPredictions: outputs[decoder.ious]!.data as Float32Array,
        outputs: decoder.outputs,
      };
    });
}

/** Computes what stands for the places of an embedding, by a graph of its own. */
async function positionsOf({ folder }: Job, runtime: OnnxRuntime): Promise<Float32Array> {
  const weights = await Weights.open(join(folder, WEIGHTS));
  try {
    const graph = new Graph('positions');
    graph.output(imagePositions({ graph, weights }), 'positions');
    const path = join(folder, 'positions.onnx');
    await writeModel(graph, path);
    const { positions } = await (await runtime.open(path))({}, ['positions']);
    return positions!.data as Float32Array;
  } finally {
    await weights.close();
  }
}
