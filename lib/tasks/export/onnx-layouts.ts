/** The layouts of `export --to onnx`: whose programs open the files, what they are called, and what goes in and out of them. */

import { EMBEDDING_CHANNELS, EMBEDDING_SIDE, LOW_RES_SIDE, MODEL_SIDE } from '../../frame.js';
import { metaDecoder, transformersJsDecoder } from '../../onnx/decoder.js';
import type { Graph, Variant } from '../../onnx/graph.js';
import type { Tensor, Tensors } from '../../onnx/runtime-protocol.js';
import { DEVIATION, MEAN, metaEncoder, visionEncoder } from '../../onnx/vision-encoder.js';
import type { Weights } from '../../onnx/weights.js';
import type { EncoderInput, MetaPrompt } from './exported.js';
import type { LayoutName } from './options.js';

export interface Layout {
  encoder: {
    /** Path of the file in the export's folder, without what a variant adds and `.onnx`. */
    file: string;
    build(weights: Weights, variant: Variant): Graph;
    /** Inputs for a picture. The output is `image_embeddings`. */
    inputs(picture: EncoderInput): Tensors;
  };
  decoder: {
    file: string;
    build(weights: Weights, variant: Variant, options: { epsilon: number }): Graph;
    /** Inputs for a prompt of a picture: its embedding, and what stands for the places in it. */
    inputs(image: { embedding: Float32Array; positions: Float32Array }, prompt: MetaPrompt): Tensors;
    /** Whether a mask may be a prompt. */
    takesMasks: boolean;
    /** Names of the outputs. */
    masks: string;
    ious: string;
    /** Masks that come out of it: 4, or all but that of token 0. */
    outputs: 3 | 4;
  };
  /** What a variant's name adds to a file's. */
  suffixes: Record<Variant, string>;
}

const IMAGE = [1, EMBEDDING_CHANNELS, EMBEDDING_SIDE, EMBEDDING_SIDE];
const floats = (data: Float32Array, dims: readonly number[]): Tensor => ({ type: 'float32', data, dims });

const meta: Layout = {
  encoder: { file: 'encoder', build: metaEncoder, inputs: (picture) => ({ input_image: asPicture(picture) }) },
  decoder: {
    file: 'decoder',
    build: metaDecoder,
    inputs: ({ embedding }, { points, labels, mask }) => ({
      image_embeddings: floats(embedding, IMAGE),
      point_coords: floats(points, [1, labels.length, 2]),
      point_labels: floats(Float32Array.from(labels), [1, labels.length]),
      mask_input: floats(mask ?? new Float32Array(LOW_RES_SIDE ** 2), [1, 1, LOW_RES_SIDE, LOW_RES_SIDE]),
      has_mask_input: floats(Float32Array.of(mask === undefined ? 0 : 1), [1]),
      orig_im_size: floats(Float32Array.of(LOW_RES_SIDE, LOW_RES_SIDE), [2]),
    }),
    takesMasks: true,
    masks: 'low_res_masks',
    ious: 'iou_predictions',
    outputs: 4,
  },
  suffixes: { fp32: '', fp16: '_fp16', int8: '_int8' },
};

const transformersJs: Layout = {
  encoder: {
    file: 'onnx/vision_encoder',
    build: visionEncoder,
    inputs: ({ values }) => ({ pixel_values: floats(values, [1, 3, MODEL_SIDE, MODEL_SIDE]) }),
  },
  decoder: {
    file: 'onnx/prompt_encoder_mask_decoder',
    build: transformersJsDecoder,
    inputs({ embedding, positions }, { points, labels }) {
      // It pads itself.
      const count = labels.at(-1) === -1 ? labels.length - 1 : labels.length;
      return {
        input_points: floats(points.subarray(0, 2 * count), [1, 1, count, 2]),
        input_labels: {
          type: 'int64',
          data: BigInt64Array.from(labels.subarray(0, count), BigInt),
          dims: [1, 1, count],
        },
        image_embeddings: floats(embedding, IMAGE),
        image_positional_embeddings: floats(positions, IMAGE),
      };
    },
    takesMasks: false,
    masks: 'pred_masks',
    ious: 'iou_scores',
    outputs: 3,
  },
  // The names that its `dtype` goes by: fp16, q8.
  suffixes: { fp32: '', fp16: '_fp16', int8: '_quantized' },
};

export const ONNX_LAYOUTS: Readonly<Record<LayoutName, Layout>> = { meta, 'transformers.js': transformersJs };

/** Turns what encoders see back into the picture, `height x width x 3` of 0..255: the layout's encoder prepares it by itself. */
function asPicture({ values, height, width }: EncoderInput): Tensor {
  const data = new Float32Array(height * width * 3);
  for (let channel = 0; channel < 3; channel++) {
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        const value = values[(channel * MODEL_SIDE + y) * MODEL_SIDE + x]!;
        data[(y * width + x) * 3 + channel] = value * DEVIATION[channel]! + MEAN[channel]!;
      }
    }
  }
  return floats(data, [height, width, 3]);
}
