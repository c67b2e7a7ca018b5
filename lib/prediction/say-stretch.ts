/** What is said before a prediction about images that hold measurements: that they are stretched, and what gives doubt about them. */
import type { Hooks } from '../core/hooks.js';
import type { ResolvedModel } from '../models/model.js';
import { trainedStretch } from '../models/prompt-options.js';
import { STRETCH_VERSION, stretchNote } from '../raster/stretch.js';
import type { RasterJob } from './predict-raster.js';

/** Says it of rasters that are predicted in tiles; of other images the store of embeddings does. */
export function sayStretch(rasters: readonly RasterJob[], model: ResolvedModel, { onNote, onWarning }: Hooks): void {
  const stretched = rasters.filter((raster) => raster.stretched).length;
  if (stretched > 0) onNote?.(stretchNote(stretched, rasters.length));
  for (const { doubt } of rasters) if (doubt !== undefined) onWarning?.(doubt);
  const trained = trainedStretch(model);
  if (trained === undefined || trained === STRETCH_VERSION) return;
  onWarning?.(
    `${model.spec} was trained on measurements that were stretched by another rule (${trained}): train it anew`,
  );
}
