/** `sam-native export MODEL`: a model, or a part of it, in another format. */
import type { ExportResult } from '../tasks/export/export.js';
import { exportOptionsSchema } from '../tasks/export/options.js';
import { command } from './command.js';

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
    '  sam-native export mobile-sam --to torchscript --part encoder --out encoder.pt\n\n' +
    'hf: a folder for SamModel.from_pretrained of transformers, with the tuned mask decoder and everything else as it was.\n\n' +
    'torchscript: a file that is called with N x 3 x 1024 x 1024 (normalised, padded) and gives N x 256 x 64 x 64, in fp32. It\n' +
    'loads with torch.jit.load, and with --encoder in this program.',
  async run({ given, positionals, hooks }): Promise<ExportResult> {
    const { exportModel } = await import('../tasks/export/export.js');
    const model = String(positionals.model);
    return exportModel({ ...given, model }, hooks);
  },
  summary: ({ files }) => files.join('\n'),
});
