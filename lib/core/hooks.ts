/** What a caller may pass beside the options of anything that takes a while: how to stop it, and who is told what. */

/** All optional, and passed on whole. `Progress`: what the work says of how far it is. */
export interface Hooks<Progress = never> {
  /** Ends the work: it rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
  /** How far the work is; called often. */
  readonly onProgress?: ((progress: Progress) => void) | undefined;
  /** A line about what is done or was chosen: weights converted, a device taken. */
  readonly onNote?: ((line: string) => void) | undefined;
  /** A line about what may be wrong: something left out, or a result that may mislead. */
  readonly onWarning?: ((line: string) => void) | undefined;
}

/** Progress that is counted: files, images, bytes. */
export interface Counted {
  readonly done: number;
  readonly total: number;
}
