/** How work that takes a while is stopped, and who is told of it: passed on whole, from the caller down. */

/** What a caller may pass to work that takes a while; all optional. `Progress` is what the work says of how far it is. */
export interface Hooks<Progress = never> {
  /** Signal that ends the work, which then rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
  /** Called, often, with how far the work is. */
  readonly onProgress?: ((progress: Progress) => void) | undefined;
  /** Called with a line about what is done or was chosen: weights converted, a device taken. */
  readonly onNote?: ((line: string) => void) | undefined;
  /** Called with a line about what may be wrong: something left out, or a result that may mislead. */
  readonly onWarning?: ((line: string) => void) | undefined;
}

/** Progress that is counted: files, images, bytes. */
export interface Counted {
  /** How many are done. */
  readonly done: number;
  /** How many there are in all. */
  readonly total: number;
}
