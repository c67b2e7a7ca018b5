/** `sam-native export MODEL`: a model, or a part of it, in another format. */
import { z } from 'zod';
import type { ExportResult } from '../export/torchscript.js';
import { modelOptions } from '../options.js';
import { command } from './command.js';

export default command({
  options: {
    to: z.enum(['torchscript']).default('torchscript').describe('format'),
    part: z.enum(['encoder']).default('encoder').describe('part of the model'),
    out: z.string().optional().describe('the file to write (<model>-encoder.pt if not given)'),
    encoder: modelOptions.encoder,
    cacheDir: modelOptions.cacheDir,
  },
  positionals: {
    model: {
      describe: 'mobile-sam, a safetensors file of weights, a run folder or a checkpoint',
      type: 'string',
      demandOption: true,
    },
  },
  epilogue:
    'Example:\n' +
    '  sam-native export mobile-sam --to torchscript --part encoder --out encoder.pt\n\n' +
    'The file is called with N x 3 x 1024 x 1024 (normalised, padded) and gives N x 256 x 64 x 64, in fp32. It loads with\n' +
    'torch.jit.load, and with --encoder in this program.',
  async run({ options, positionals, signal, reporter }): Promise<ExportResult> {
    const { exportEncoder } = await import('../export/torchscript.js');
    const { out, encoder, cacheDir } = options;
    return exportEncoder({ model: String(positionals.model), out, encoder, cacheDir, signal, onStep: reporter.say });
  },
  summary: ({ files }) => files.join('\n'),
});
