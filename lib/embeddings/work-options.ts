/** Options of every piece of work that encodes pictures: embedding, prediction, evaluation. */

import type { Precision } from '../../binding.js';
import type { Hooks } from '../core/hooks.js';

export interface WorkOptions extends Hooks {
  /** Image encoder instead of the model's own: TorchScript, or a model whose encoder to take. */
  encoder?: string | undefined;
  /** Device: auto, cpu, cuda or cuda:N. Default: auto. */
  device?: string;
  /** Type of the encoder. Default: auto. */
  precision?: Precision | 'auto';
  /** Number of CPU threads. Default: all cores. */
  threads?: number | undefined;
  cacheDir?: string | undefined;
  /** Whether embeddings stay on disk. Default: true. */
  cache?: boolean;
  /** Most bytes that all embeddings may take, e.g. `50GB`. */
  cacheMax?: string | number | undefined;
  /** Whether to go on without pictures that cannot be read. */
  skipBad?: boolean;
}
