/** What every piece of work that encodes pictures may be told: embedding, prediction, evaluation. */

import type { Precision } from '../../binding.js';
import type { Hooks } from '../core/hooks.js';

export interface WorkOptions extends Hooks {
  /** Another image encoder than the model's own: TorchScript, or a model whose encoder to take. */
  encoder?: string | undefined;
  /** auto, cpu, cuda or cuda:N. Default: auto. */
  device?: string;
  /** Default: auto. */
  precision?: Precision | 'auto';
  /** CPU threads; default: all cores. */
  threads?: number | undefined;
  cacheDir?: string | undefined;
  /** False: embeddings do not stay on disk. */
  cache?: boolean;
  /** Most bytes that all embeddings may take, e.g. `50GB`. */
  cacheMax?: string | number | undefined;
  /** Go on without pictures that cannot be read. */
  skipBad?: boolean;
}
