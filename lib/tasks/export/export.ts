/** `sam-native export`: writes a model, or a part of it, in another format. */
import { SamError } from '../../core/errors.js';
import type { Hooks } from '../../core/hooks.js';
import { checkHooks, parseOptions } from '../../core/parse-options.js';
import { resolveModel } from '../../models/resolve.js';
import { exportHuggingFace } from '../workbench/hugging-face.js';
import { type ExportOptions, exportOptionsSchema } from './options.js';
import { exportEncoder } from './torchscript.js';

/** What {@link exportModel} gives back. */
export interface ExportResult {
  /** Paths of what was written. */
  files: string[];
  /** Name of the model. */
  name: string;
  /** Hash of the weights. */
  weightsHash: string;
  /** Hash of the image encoder, on which embeddings depend. */
  encoderHash: string;
}

/**
 * Writes a model for other programs: its image encoder as TorchScript, or the whole of it for `SamModel.from_pretrained` of
 * transformers (`to: 'hf'`). What is there is replaced.
 *
 * ```ts
 * await exportModel({ model: 'runs/first', to: 'hf', out: 'river-sam' });
 * ```
 * @throws SamError `SAM_BAD_OPTION`: options; `SAM_BAD_CHECKPOINT`: an image encoder that transformers' SamModel doesn't know;
 * `SAM_IO`: what is asked for cannot be written; and what finding a model throws.
 */
export async function exportModel(given: ExportOptions, hooks: Hooks = {}): Promise<ExportResult> {
  checkHooks(hooks);
  const { to, part, out, encoder, cacheDir, model: spec } = parseOptions(exportOptionsSchema, given);
  if (to === 'hf' && part !== undefined) {
    throw new SamError('SAM_BAD_OPTION', '`part` encoder goes with `to` torchscript', {
      fix: 'leave out `part`: hf is the whole model',
    });
  }
  const model = await resolveModel(spec, { cacheDir, encoder, signal: hooks.signal, onNote: hooks.onNote });
  const files = to === 'hf' ? await exportHuggingFace(model, out) : await exportEncoder(model, out);
  const { name, weightsHash, encoderHash } = model;
  return { files, name, weightsHash, encoderHash };
}
