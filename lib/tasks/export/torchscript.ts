/** `export --to torchscript`: writes a model's image encoder as one TorchScript file. */

import { copyFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { native, nativeCall } from '../../addon/native.js';
import { makeFileWhole } from '../../core/files.js';
import { isWeights } from '../../models/encoder.js';
import type { ResolvedModel } from '../../models/model.js';

/**
 * Writes the encoder: `forward(N x 3 x 1024 x 1024)`, normalised and padded, gives `N x 256 x 64 x 64`, fp32. Fine-tuning leaves
 * the encoder as it is, so that of a run is its source model's. Returns the path.
 *
 * @throws SamError `SAM_IO`: the file cannot be written; nothing is left of it.
 */
export async function exportEncoder(model: ResolvedModel, out: string | undefined): Promise<string[]> {
  const file = resolve(out ?? `${model.name}-encoder.pt`);
  await makeFileWhole(file, async (temporary) => {
    if (await isWeights(model.encoder)) {
      await nativeCall(() =>
        native().exportModel({ format: 'torchscript', weights: model.encoder, output: temporary }),
      );
    } else {
      await copyFile(model.encoder, temporary);
    }
  });
  return [file];
}
