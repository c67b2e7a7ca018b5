/** Progress of images on their way through the encoder. */
import type { EnsureProgress } from '../embeddings/embedding-store.js';
import type { ProgressTask, Reporter } from './progress.js';

/** Shows a bar while images are encoded, and nothing if the embeddings of all are there already. */
export function encodingProgress(reporter: Reporter): (progress: EnsureProgress) => void {
  let bar: ProgressTask | undefined;
  return ({ done, total, encoded, name }) => {
    if (encoded > 0) {
      bar ??= reporter.task('encoding', total);
      bar.update(done, name ?? '', total);
    }
    if (done >= total) {
      bar?.end();
      bar = undefined;
    }
  };
}
