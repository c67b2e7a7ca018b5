/** Options of `export`: which model, and what becomes of it. */
import { z } from 'zod';
import type { Variant } from '../../onnx/graph.js';
import { listOf, modelOptions } from '../../options.js';

export type { ExportOptions } from '../../option-types.js';
export type { Variant };

/** Formats by their names in options. */
export const EXPORT_FORMATS = ['torchscript', 'hf', 'meta', 'onnx'] as const;
export type ExportFormat = (typeof EXPORT_FORMATS)[number];

/** Parts of a model: the image encoder, prompt encoder and mask decoder, or all three. */
export const PARTS = ['encoder', 'decoder', 'both'] as const;
export type Part = (typeof PARTS)[number];

/** Layouts of `to` onnx: whose programs open the files. */
export const LAYOUTS = ['meta', 'transformers.js'] as const;
export type LayoutName = (typeof LAYOUTS)[number];

/** Numbers that files of `to` onnx may hold besides fp32. */
export const VARIANTS = ['fp16', 'int8'] as const satisfies readonly Variant[];

/** Mean IoU with the model's masks below which an export is not the model. */
export const LEAST_IOU = 0.99;

export const exportOptionsSchema = z.strictObject({
  model: z
    .string()
    .min(1)
    .describe('the model: mobile-sam, facebook/sam-vit-base, weights, a run folder or a checkpoint'),
  to: z
    .enum(EXPORT_FORMATS)
    .default('torchscript')
    .describe(
      "torchscript: for programs with LibTorch or PyTorch; hf: for transformers; meta: a .pth for Meta's segment_anything, or MobileSAM's package; onnx: for ONNX Runtime and what builds on it",
    ),
  part: z
    .enum(PARTS)
    .optional()
    .describe('encoder, decoder (prompt encoder and mask decoder) or both (torchscript: encoder; else: both)'),
  decoderOnly: z.boolean().default(false).describe('the same as `part` decoder'),
  out: z
    .string()
    .optional()
    .describe(
      'the folder (<model>-<format> if not given); a name that ends in .pt or .pth is a file, where one is all (torchscript of one part: <model>-<part>.pt)',
    ),
  layout: z
    .enum(LAYOUTS)
    .optional()
    .describe(
      "of `to` onnx: meta, files with the inputs and outputs of Meta's own exporter (the default), or a folder that transformers.js opens",
    ),
  variants: listOf(z.enum(VARIANTS), `expected some of ${VARIANTS}`)
    .optional()
    .describe('of `to` onnx: smaller files beside those in fp32, with commas: fp16, int8'),
  overwrite: z.boolean().default(false).describe('replace what is there'),
  pictures: z
    .number()
    .int()
    .min(0)
    .default(20)
    .describe('validation pictures that the export is run over at most, and held against the model; 0: none'),
  encoder: modelOptions.encoder,
  cacheDir: modelOptions.cacheDir,
});
