/** `sam-native export MODEL`: a model, or a part of it, in another format. */
import type { ExportResult } from '../tasks/export/export.js';
import { exportOptionsSchema, LEAST_IOU } from '../tasks/export/options.js';
import { command } from './command.js';
import { asFlags } from './flags.js';

export default command({
  options: exportOptionsSchema.omit({ model: true }).shape,
  positionals: {
    model: {
      describe: 'mobile-sam, facebook/sam-vit-base, weights, a run folder or a checkpoint',
      type: 'string',
      demandOption: true,
    },
  },
  epilogue:
    'Examples:\n' +
    '  sam-native export runs/first --to hf --out river-sam\n' +
    '  sam-native export runs/first --to meta --out river-sam.pth\n' +
    '  sam-native export runs/first --to onnx --variants int8 --out river-onnx\n' +
    '  sam-native export mobile-sam --to torchscript --part encoder --out encoder.pt\n\n' +
    'hf: a folder for SamModel.from_pretrained of transformers, with the tuned mask decoder and everything else as it was; with\n' +
    '--decoder-only a file to lay over the model that was tuned.\n\n' +
    "meta: a .pth for sam_model_registry of Meta's segment_anything, or of MobileSAM's own package.\n\n" +
    'torchscript: an encoder that is called with N x 3 x 1024 x 1024 (normalised, padded) and gives N x 256 x 64 x 64, and a decoder\n' +
    "with the inputs of Meta's exporter to ONNX, in fp32. They load with torch.jit.load, the encoder also with --encoder here.\n\n" +
    "onnx: encoder.onnx and decoder.onnx with the inputs and outputs of samexporter and of Meta's SamOnnxModel (all four masks, token 0\n" +
    'first), and x-anylabeling.yaml; with --layout transformers.js a folder for its SamModel. --variants fp16,int8 adds smaller files.\n\n' +
    "What was written is run over the run's own validation pictures (sample:rivers where there are none), and held against the model:\n" +
    'a mean IoU below 0.99 ends with exit code 1.',
  async run({ given, positionals, hooks }): Promise<ExportResult> {
    const { exportModel } = await import('../tasks/export/export.js');
    const model = String(positionals.model);
    return exportModel({ ...given, model }, hooks);
  },
  summary: ({ files, record, verification, variants }) => {
    const lines = [verification, ...Object.values(variants).map((variant) => variant.verification)];
    // Why nothing was verified is the same for all of them.
    return [...files, ...(record === null ? [] : [record]), ...new Set(lines.map(asFlags))].join('\n');
  },
  exitCode: ({ verified, variants }) => {
    const all = [verified, ...Object.values(variants).map((variant) => variant.verified)];
    return all.some((found) => found !== null && found.meanIou < LEAST_IOU) ? 1 : 0;
  },
});
