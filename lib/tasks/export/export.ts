/** `sam-native export`: writes a model, or a part of it, in another format, and holds it against the model. */

import { join } from 'node:path';
import { SamError } from '../../core/errors.js';
import { scratchBeside } from '../../core/files.js';
import type { Hooks } from '../../core/hooks.js';
import { checkHooks, parseOptions } from '../../core/parse-options.js';
import { resolveModel } from '../../models/resolve.js';
import type { Format, Job } from './format.js';
import { FORMATS } from './formats.js';
import { type ExportOptions, exportOptionsSchema, type LayoutName, type Part, type Variant } from './options.js';
import { moveToPlace, placeOf, RECORD, removeEarlier, requirePlace } from './place.js';
import { writeRecord } from './record.js';
import { type Verification, type Verified, verify } from './verify.js';

export type { Verification, Verified } from './verify.js';

/** What {@link exportModel} gives back. */
export interface ExportResult {
  /** Paths of what was written. */
  files: string[];
  /** Path of `export.json`, which says all of this; null where the export is one file. */
  record: string | null;
  /** Name of the model. */
  name: string;
  /** Hash of the weights. */
  weightsHash: string;
  /** Hash of the image encoder, on which embeddings depend. */
  encoderHash: string;
  /** How far the export lies from the model; null where that could not be found out. */
  verified: Verified | null;
  /** The same in words, or why it could not be found out. */
  verification: string;
  /** The same of the variants that were asked for, by name: fp16, int8. */
  variants: Record<string, Verification>;
}

/**
 * Writes a model for other programs, runs what was written over labelled pictures, and says how far it lies from the model. A place
 * that is taken is refused, but for `overwrite`; where anything fails, nothing is written.
 *
 * ```ts
 * const { verified } = await exportModel({ model: 'runs/first', to: 'hf', out: 'river-sam' });
 * ```
 * @throws SamError `SAM_BAD_OPTION`: options; `SAM_RUN_EXISTS`: the place is taken; `SAM_BAD_CHECKPOINT`, `SAM_BAD_ENCODER`: the model
 * has no such form; `SAM_IO`: what is asked for cannot be written; and what finding a model throws.
 */
export async function exportModel(given: ExportOptions, hooks: Hooks = {}): Promise<ExportResult> {
  checkHooks(hooks);
  const options = parseOptions(exportOptionsSchema, given);
  const { to, out, encoder, cacheDir, pictures } = options;
  const { signal, onNote } = hooks;
  const format = FORMATS[to];
  const part = partOf(options, format);
  const asked = ofOnnx(options);
  // Before a model is downloaded, where its name doesn't matter.
  if (out !== undefined) await requirePlace(placeOf({ out, to, part, name: '' }, format), options.overwrite);
  const model = await resolveModel(options.model, { cacheDir, encoder, signal, onNote });
  const place = placeOf({ out, to, part, name: model.name }, format);
  await requirePlace(place, options.overwrite);
  const scratch = await scratchBeside(place.path);
  try {
    const job: Job = { model, part, folder: scratch.path, cacheDir, ...asked, signal, onNote };
    const names = await format.write(job);
    signal?.throwIfAborted();
    const verifications = await verify(format, job, names, pictures);
    if (!place.isFile) {
      await writeRecord(to, job, names, verifications);
      const sources = [model.weights, model.encoder, model.encoderWeights, model.decoder];
      await removeEarlier(place, to, { names, sources });
    }
    const files = await moveToPlace(place, scratch.path, names);
    if (!place.isFile) await moveToPlace(place, scratch.path, [RECORD]);
    await scratch.remove();
    const { name, weightsHash, encoderHash } = model;
    const { fp32, ...variants } = verifications;
    const { verified, verification } = fp32!;
    const record = place.isFile ? null : join(place.path, RECORD);
    return { files, record, name, weightsHash, encoderHash, verified, verification, variants };
  } catch (error) {
    await scratch.undo();
    throw error;
  }
}

/** Checks the options that only onnx has. */
function ofOnnx(given: {
  to: string;
  layout?: LayoutName | undefined;
  variants?: readonly Variant[] | undefined;
}): Pick<Job, 'layout' | 'variants'> {
  const { to, layout, variants = [] } = given;
  const foreign = layout !== undefined ? 'layout' : variants.length > 0 ? 'variants' : undefined;
  if (to !== 'onnx' && foreign !== undefined) {
    throw new SamError('SAM_BAD_OPTION', `\`${foreign}\` is of \`to\` onnx, and not of ${to}`, {
      fix: `leave out \`${foreign}\`, or take \`to\` onnx`,
    });
  }
  return { layout: layout ?? 'meta', variants: ['fp32', ...new Set(variants)] };
}

function partOf(
  { to, part, decoderOnly }: { to: string; part?: Part | undefined; decoderOnly: boolean },
  { parts }: Format,
): Part {
  if (decoderOnly && part !== undefined && part !== 'decoder') {
    throw new SamError('SAM_BAD_OPTION', `\`decoderOnly\` and \`part\` ${part} contradict each other`, {
      fix: 'leave one out',
    });
  }
  const wanted = decoderOnly ? 'decoder' : (part ?? parts[0]);
  if (parts.includes(wanted)) return wanted;
  throw new SamError('SAM_BAD_OPTION', `\`to\` ${to} has no \`part\` ${wanted}: it has ${parts.join(', ')}`, {
    fix: 'leave out `part`, or take `to` torchscript or onnx',
  });
}
