/** What a model is made of, once its name has been resolved to files. */

/** What a checkpoint and a run's config record of the model that was tuned: enough to find it again and to know it. */
export interface ModelDescriptor {
  /** Name or absolute path, as `--model` took it. For a run tuned from a run it is that of the source weights. */
  readonly spec: string;
  /** Name of the model, short. */
  readonly name: string;
  /** Hash of the source weights. */
  readonly weightsHash: string;
  /** Hash of the image encoder, on which embeddings depend. */
  readonly encoderHash: string;
  /** Name or absolute path that `--encoder` was given; null for the model's own encoder. */
  readonly encoder: string | null;
}

/** A tuned decoder, laid over the source weights. */
export interface CheckpointInfo {
  /** Path of the checkpoint. */
  readonly path: string;
  /** SHA-256 of the checkpoint file. */
  readonly hash: string;
  /** The file's own metadata: JSON values by name. */
  readonly metadata: Readonly<Record<string, string>>;
}

/** A model whose name has been resolved to files. */
export interface ResolvedModel {
  /** Name or path, as the caller wrote it. */
  readonly spec: string;
  /** Short name, for reports: `mobile-sam`, the file's stem, the run folder's name. */
  readonly name: string;
  /** Weights with the prompt encoder and (but for `decoder`) the mask decoder; mostly with the image encoder too. */
  readonly weights: string;
  /** SHA-256 of `weights` (of several files, of their hashes). */
  readonly weightsHash: string;
  /** Image encoder: TorchScript, or weights of which it is built. */
  readonly encoder: string;
  /**
   * Hash that embeddings depend on, the same on every machine: the SHA-256 of a given encoder file, or of the weights and the
   * recipe that the encoder was built from (TorchScript archives differ in bytes from build to build).
   */
  readonly encoderHash: string;
  /** Weights that hold the image encoder; undefined where there are none of it, but TorchScript from elsewhere. */
  readonly encoderWeights?: string;
  /** Checkpoint, or other file, whose mask decoder is taken instead of the one in `weights`. */
  readonly decoder?: string;
  /** Epsilon of the mask decoder's layer norms, where the model's config says it. */
  readonly normEpsilon?: number;
  /** Folder of the model's config.json, where it came in one. */
  readonly folder?: string;
  /** Checkpoint that was named, or that of the run that was. */
  readonly checkpoint?: CheckpointInfo;
  /** What checkpoints and configs record of the model. */
  readonly descriptor: ModelDescriptor;
}

/** Returns the files of which the addon loads prompt encoder and mask decoder. */
export function decoderFiles({ weights, decoder, normEpsilon }: ResolvedModel) {
  return {
    weights,
    ...(decoder !== undefined && { decoder }),
    ...(normEpsilon !== undefined && { normEpsilon }),
  };
}
