/** The config by which X-AnyLabeling opens an ONNX export in the layout `meta`, as a custom model. */
import { join } from 'node:path';
import { stringify } from 'yaml';
import { writeFileWhole } from '../../core/files.js';
import { MODEL_SIDE } from '../../frame.js';
import type { ResolvedModel } from '../../models/model.js';
import { promptOptionsFor } from '../../models/prompt-options.js';

const CONFIG = 'x-anylabeling.yaml';

/** Tells whether the mask that the model answers with is the best of three; else it is that of token 0, which X-AnyLabeling takes. */
export const answersWithBest = (model: ResolvedModel) => promptOptionsFor({}, model).maskOutput === 'multi';

/**
 * Writes the config, with the keys that X-AnyLabeling's `SegmentAnything` reads. Sizes are those of its own SAM models; it makes every
 * picture 1024 x 684 whatever they say.
 *
 * @returns its name.
 */
export async function writeXAnyLabeling(
  folder: string,
  { name }: ResolvedModel,
  { encoder, decoder }: { encoder: string; decoder: string },
): Promise<string> {
  const config = {
    type: 'segment_anything',
    name: `sam-native-${name}`.replace(/[^\w.-]+/g, '-'), // all that it allows
    provider: 'sam-native',
    display_name: `${name} (sam-native)`,
    encoder_model_path: encoder, // seen from this file's folder
    decoder_model_path: decoder,
    input_size: MODEL_SIDE,
    max_width: MODEL_SIDE,
    max_height: 682,
  };
  await writeFileWhole(join(folder, CONFIG), stringify(config));
  return CONFIG;
}
