/** `sam-native export MODEL`: a model, or a part of it, in another format. */
import { z } from 'zod';
import { SamError } from '../core/errors.js';
import { modelOptions } from '../options.js';
import type { ExportResult } from '../tasks/export/torchscript.js';
import { command } from './command.js';

export default command({
  options: {
    to: z
      .enum(['torchscript', 'hf'])
      .default('torchscript')
      .describe('torchscript: the image encoder as one file; hf: the whole model, for transformers'),
    part: z.enum(['encoder']).optional().describe('part of the model that --to torchscript writes'),
    out: z
      .string()
      .optional()
      .describe('the file (<model>-encoder.pt if not given) or, with hf, the folder (<model>-hf)'),
    encoder: modelOptions.encoder,
    cacheDir: modelOptions.cacheDir,
  },
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
  async run({ options, positionals, signal, reporter }): Promise<ExportResult> {
    const { to, part, out, encoder, cacheDir } = options;
    const asked = { model: String(positionals.model), out, encoder, cacheDir, signal, onNote: reporter.say };
    if (to === 'torchscript') return (await import('../tasks/export/torchscript.js')).exportEncoder(asked);
    if (part === undefined) return (await import('../tasks/export/hugging-face.js')).exportHuggingFace(asked);
    throw new SamError('SAM_BAD_OPTION', '--part encoder goes with --to torchscript', {
      fix: 'leave out --part: hf is the whole model',
    });
  },
  summary: ({ files }) => files.join('\n'),
});
