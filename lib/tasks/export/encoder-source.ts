/** The weights of a model's image encoder, for formats that hold weights. */
import { SamError } from '../../core/errors.js';
import type { ResolvedModel } from '../../models/model.js';

/**
 * Returns the file that the encoder's weights are taken from, where they are not among the model's own.
 *
 * @throws SamError `SAM_BAD_ENCODER`: the encoder is TorchScript, of which no weights can be had.
 */
export function encoderSource({ encoderWeights, encoder, weights, spec }: ResolvedModel): { encoder?: string } {
  if (encoderWeights === undefined) {
    throw new SamError('SAM_BAD_ENCODER', `the image encoder of ${spec} is TorchScript (${encoder}), and not weights`, {
      fix: 'export the decoder alone with `part` decoder, or everything with `to` torchscript',
    });
  }
  return encoderWeights === weights ? {} : { encoder: encoderWeights };
}
