/** `export --to torchscript`: a model's image encoder as one TorchScript file. */

import { copyFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { native, nativeCall } from '../../addon/native.js';
import { makeFileWhole } from '../../core/files.js';
import type { Hooks } from '../../core/hooks.js';
import { isWeights } from '../../models/encoder.js';
import { resolveModel } from '../../models/resolve.js';

export interface ExportOptions extends Hooks {
  /** Any model: a name, weights, a run folder or a checkpoint. */
  model: string;
  /** The file (for `--to hf` the folder) to write; what is there is replaced. Default: named after the model. */
  out?: string | undefined;
  encoder?: string | undefined;
  cacheDir?: string | undefined;
}

export interface ExportResult {
  /** Paths of what was written. */
  files: string[];
  name: string;
  weightsHash: string;
  encoderHash: string;
}

/**
 * Writes the encoder: `forward(N x 3 x 1024 x 1024)`, normalised and padded, gives `N x 256 x 64 x 64`, fp32. Fine-tuning leaves
 * the encoder as it is, so that of a run is its source model's.
 *
 * @throws SamError as `resolveModel` does; `SAM_IO` when the file cannot be written (nothing is left of it).
 */
export async function exportEncoder(options: ExportOptions): Promise<ExportResult> {
  const { cacheDir, encoder, signal, onNote } = options;
  const model = await resolveModel(options.model, { cacheDir, encoder, signal, onNote });
  const file = resolve(options.out ?? `${model.name}-encoder.pt`);
  await makeFileWhole(file, async (temporary) => {
    if (await isWeights(model.encoder)) {
      await nativeCall(() => native().exportEncoder({ weights: model.encoder, output: temporary }));
    } else {
      await copyFile(model.encoder, temporary);
    }
  });
  return { files: [file], name: model.name, weightsHash: model.weightsHash, encoderHash: model.encoderHash };
}
