/** `export.json`: what was exported, from which model, and how far it lies from it. */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { native } from '../../addon/native.js';
import { writeFileWhole } from '../../core/files.js';
import { sha256File } from '../../core/hash.js';
import { packageVersion } from '../../core/package-root.js';
import { promptOptionsFor, trainedBands, trainedStretch } from '../../models/prompt-options.js';
import type { Job } from './format.js';
import type { ExportFormat } from './options.js';
import { RECORD } from './place.js';
import type { Verification } from './verify.js';

const FORMAT_VERSION = 1;

/** Writes the record of an export into its folder. */
export async function writeRecord(
  to: ExportFormat,
  { model, part, folder, layout, signal }: Job,
  names: readonly string[],
  { fp32, ...variants }: Record<string, Verification>,
): Promise<void> {
  const files = [];
  for (const name of names) {
    const path = join(folder, name);
    files.push({ name, bytes: (await stat(path)).size, sha256: await sha256File(path, signal) });
  }
  const { spec, name, weightsHash, encoderHash, checkpoint, descriptor } = model;
  const record = {
    formatVersion: FORMAT_VERSION,
    createdAt: new Date().toISOString(),
    versions: { samNative: packageVersion(), libtorch: native().info().torch, node: process.versions.node },
    format: to,
    part,
    files,
    model: { spec, name, weightsHash, encoderHash, checkpointHash: checkpoint?.hash ?? null, source: descriptor.spec },
    /** What predictions with the model go by. */
    settings: {
      prompts: promptOptionsFor({}, model),
      bands: trainedBands(model) ?? null,
      stretch: trainedStretch(model) ?? null,
    },
    ...fp32!,
    ...(to === 'onnx' && { layout, variants }),
  };
  await writeFileWhole(join(folder, RECORD), `${JSON.stringify(record, null, 2)}\n`);
}
