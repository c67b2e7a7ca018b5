/** Pixels without a label: as far from losses and IoU as the padding. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { LossWeights, NativeBinding, SamModel, TrainingBatch } from '../../lib/addon/native.js';
import { batchOf, loadModel, MASK_SIZE, STEP, TRAINING } from './children/inputs.mjs';
import { prepareAddon } from './support.js';

const LOSSES = ['dice', 'bce', 'focal', 'iou', 'rowDiceCe'] as const satisfies (keyof LossWeights)[];

let addon: NativeBinding;
let model: SamModel;
let batch: TrainingBatch;
beforeAll(async () => {
  addon = await prepareAddon();
  model = await loadModel(addon);
  // The model finds little, and not as much in all rows.
  batch = { ...batchOf(addon), targets: rows(0, MASK_SIZE) };
});
afterAll(() => {
  model.dispose();
  batch.embeddings.dispose();
});

const rows = (from: number, to: number) =>
  Uint8Array.from({ length: MASK_SIZE ** 2 }, (_, at) => {
    const row = Math.floor(at / MASK_SIZE);
    return row >= from && row < to ? 1 : 0;
  });

async function outcome(loss: LossWeights, change: Partial<TrainingBatch>) {
  const trainer = addon.createTrainer(model, { ...TRAINING, loss });
  try {
    const given = { ...batch, ...change };
    const { losses, gradientNorm } = await trainer.step(given, { ...STEP, learningRate: 0 });
    const validation = await trainer.validate(given);
    return [losses, [gradientNorm], validation.losses, validation.ious].flatMap((numbers) => [...numbers]);
  } finally {
    trainer.dispose();
  }
}

it.each(LOSSES)('%s is that of the rows with a label, as if the rest were padding', async (name) => {
  const validSizes = Int32Array.of(40, MASK_SIZE);
  const padded = await outcome({ [name]: 1 }, { validSizes });
  expect(await outcome({ [name]: 1 }, { labelled: rows(0, 40) })).toEqual(padded);
  expect(await outcome({ [name]: 1 }, { validSizes, labelled: rows(0, MASK_SIZE) })).toEqual(padded);
  expect(await outcome({ [name]: 1 }, {})).not.toEqual(padded);
});

it.each(LOSSES)('%s does not look at targets where there is no label', async (name) => {
  const labelled = rows(20, 50);
  const hidden = batch.targets.map((value, at) => (labelled[at] === 0 ? 1 - value : value));
  const seen = await outcome({ [name]: 1 }, { labelled });
  expect(await outcome({ [name]: 1 }, { labelled, targets: hidden })).toEqual(seen);
});

it('labels everywhere change not a bit', async () => {
  const loss = { dice: 1, bce: 1, focal: 1, iou: 5 };
  expect(await outcome(loss, { labelled: rows(0, MASK_SIZE) })).toEqual(await outcome(loss, {}));
});
