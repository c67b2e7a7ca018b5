/** What a model is made of, once its name has been resolved to files. */

/** What a checkpoint and a run's config record of the model that was tuned: enough to find it again and to know it. */
export interface ModelDescriptor {
  /** As `--model` took it; a path is absolute. For a run tuned from a run, that of the source weights. */
  readonly spec: string;
  readonly name: string;
  readonly weightsHash: string;
  readonly encoderHash: string;
  /** The file of `--encoder`, absolute; null for the model's own encoder. */
  readonly encoder: string | null;
}

/** A tuned decoder, laid over the source weights. */
export interface CheckpointInfo {
  readonly path: string;
  /** SHA-256 of the checkpoint file. */
  readonly hash: string;
  /** The file's own metadata: JSON values by name. */
  readonly metadata: Readonly<Record<string, string>>;
}

export interface ResolvedModel {
  /** As the caller wrote it. */
  readonly spec: string;
  /** Short, for reports: `mobile-sam`, the file's stem, the run folder's name. */
  readonly name: string;
  /** Safetensors with the prompt encoder and the mask decoder (and, mostly, the image encoder). */
  readonly weights: string;
  /** SHA-256 of `weights`. */
  readonly weightsHash: string;
  /** TorchScript image encoder. */
  readonly encoder: string;
  /**
   * What embeddings depend on, the same on every machine: the SHA-256 of a given encoder file, or of the weights and the
   * recipe that the encoder was built from (TorchScript archives differ in bytes from build to build).
   */
  readonly encoderHash: string;
  /** Checkpoint whose decoder goes over `weights`. */
  readonly decoder?: string;
  readonly checkpoint?: CheckpointInfo;
  readonly descriptor: ModelDescriptor;
}
