/** The model card, `README.md` of a repository: what was tuned, on what, how well it does, how it is used, and what it is not. */
import { basename, join } from 'node:path';
import { stringify } from 'yaml';
import { writeFileWhole } from '../../core/files.js';
import { type HubName, parseHubName } from '../../hub/names.js';
import type { ResolvedModel } from '../../models/model.js';
import type { RunRecord } from '../../reports/run-record.js';
import type { FolderKind } from './folder.js';
import type { Scores, Summary } from './scores.js';
import { usage } from './usage.js';

/** What a card is about. */
export interface Card {
  readonly name: HubName;
  readonly model: ResolvedModel;
  readonly record: RunRecord;
  /** Scores of the untuned model and of this one; undefined where the run has none. */
  readonly scores: readonly Scores[] | undefined;
  readonly kind: FolderKind;
  readonly license?: string | undefined;
}

/** Writes the card into the folder. Returns its title. */
export async function modelCard(folder: string, card: Card): Promise<string> {
  const title = `${baseOf(card).name} tuned on ${dataOf(card).name}`;
  const parts = [
    `---\n${stringify(frontMatter(card))}---\n`,
    `# ${title}\n`,
    about(card),
    `## Data\n\n${data(card)}`,
    `## Scores\n\n${scoresOf(card)}`,
    `## Use\n\n${usage(card.name, card.kind)}`,
    `## Training\n\n${settings(card)}`,
    `## What it is not\n\n${limits(card)}`,
  ];
  await writeFileWhole(join(folder, 'README.md'), `${parts.join('\n')}`);
  return title;
}

/** Returns what was tuned: its name, and its repository where it has one. Paths of this machine stay here. */
function baseOf({ model }: Card): { name: string; repository: string | undefined } {
  const { spec, name } = model.descriptor;
  const repository = parseHubName(spec)?.name;
  return { name: repository ?? (spec === 'mobile-sam' ? 'MobileSAM' : name), repository };
}

/** Returns the data set's name: of the Hub's, its repository; of a folder here, its last part. */
function dataOf({ record }: Card): { name: string; repository: string | undefined } {
  const { data: spec } = record.config.options;
  const repository = spec.startsWith('hf:') ? parseHubName(spec.slice(3))?.name : undefined;
  return { name: repository ?? (spec.startsWith('sample:') ? spec : basename(spec)), repository };
}

/** Weights of Meta's and of MobileSAM's authors, and what is tuned from them, may be used under this licence. */
const SAM_LICENSE = 'apache-2.0';

function frontMatter(card: Card): object {
  const base = baseOf(card);
  const { repository: dataset } = dataOf(card);
  const isSam = base.name === 'MobileSAM' || base.repository?.startsWith('facebook/sam-vit-') === true;
  return {
    license: card.license ?? (isSam ? SAM_LICENSE : 'unknown'),
    library_name: card.kind === 'transformers' ? 'transformers' : 'sam-native',
    pipeline_tag: 'mask-generation',
    tags: ['segment-anything', 'sam', 'image-segmentation', 'fine-tuned', 'sam-native'],
    ...(base.repository !== undefined && { base_model: base.repository }),
    ...(dataset !== undefined && { datasets: [dataset] }),
  };
}

function about(card: Card): string {
  return `The mask decoder of ${baseOf(card).name} (Segment Anything, version 1), fine-tuned with the npm
package sam-native. Image encoder and prompt encoder are as they were.
`;
}

function data(card: Card): string {
  const { train, validation } = card.record.config.data;
  const { repository, name } = dataOf(card);
  const what = repository === undefined ? name : `${name} of the Hugging Face Hub`;
  return `${what}: ${train.count} samples for training, ${validation.count} for validation, which no step was trained on.
`;
}

/** Names that a card has for the kinds of prompts that scores are measured with. */
const SOURCES: Record<string, string> = { 'ground-truth': 'drawn from the labels', rough: 'drawn from rough masks' };

function scoresOf(card: Card): string {
  const { scores, record } = card;
  const best = record.epochs.findLast((epoch) => epoch.best);
  if (scores === undefined) {
    const found =
      best === undefined ? 'none were recorded' : `mean IoU ${best.validationIou.toFixed(4)} after epoch ${best.epoch}`;
    return `On the validation samples, on the grid of the loss: ${found}. No intervals were measured.
`;
  }
  const [one] = scores;
  const prompts = `prompts of the kind ${one?.promptKind}, ${SOURCES[one?.promptSource ?? ''] ?? 'found by themselves'}`;
  const lines = scores.map(
    ({ name, own }) =>
      `| ${name} | ${told(own.iou)} | ${told(own.iou, 'median')} | ${told(own.f1)} | ${told(own.boundaryIou)} |`,
  );
  return `On ${one?.count} validation samples, at the labels' own resolution, with ${prompts}; in brackets 95 % intervals, by the bootstrap
over images. The epoch was chosen by the loss on these samples, so new pictures may do a little worse.

| model | mean IoU | median IoU | mean F1 | mean boundary IoU |
|---|---|---|---|---|
${lines.join('\n')}
`;
}

function told(summary: Summary, which: 'mean' | 'median' = 'mean'): string {
  const interval = summary[`${which}Interval`];
  const range = interval === null ? '' : ` [${interval.map((end) => end.toFixed(3)).join(', ')}]`;
  return `${summary[which]?.toFixed(3) ?? 'none'}${range}`;
}

function settings({ record, model }: Card): string {
  const { options, compute, versions } = record.config;
  const best = record.epochs.findLast((epoch) => epoch.best);
  const points = options.numPositive === 1 ? '1 point' : `${options.numPositive} points`;
  const rows = {
    loss: options.loss,
    'learning rate': `${options.lr}, ${options.schedule}, ${options.warmupSteps} steps of warm-up`,
    optimiser: `AdamW, weight decay ${options.weightDecay}`,
    batch: `${options.batchSize} images, ${options.accumulate} to a step`,
    epochs: `${record.epochs.at(-1)?.epoch ?? 0} of ${options.epochs}, taken: ${best?.epoch ?? 0}`,
    prompts: options.prompt + (options.prompt === 'box' ? '' : `, ${points} inside and ${options.numNegative} outside`),
    augmentation: options.augment ?? 'none',
    seed: options.seed,
    computed: `${compute.name}, ${compute.precision}`,
    versions: `sam-native ${versions.samNative}, LibTorch ${versions.libtorch}`,
    'source weights (SHA-256)': model.weightsHash,
  };
  const lines = Object.entries(rows).map(([name, value]) => `| ${name} | ${value} |`);
  return `| | |\n|---|---|\n${lines.join('\n')}\n`;
}

function limits(card: Card): string {
  return `- It answers prompts: points, boxes, masks. It does not say what an object is, and finds nothing by itself.
- It was measured on ${dataOf(card).name} alone. Pictures of another kind, sensor or scale may do worse than with the model that it was tuned from.
- Scores are of prompts as described above; people and other programs prompt otherwise.
- It is SAM version 1: no video, no text, nothing of SAM 2 or 3.
`;
}
