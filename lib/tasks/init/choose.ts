/** The settings that a config begins with: each with the reason that the data gives for it. */
import { amount } from '../../core/words.js';
import type { TrainOptions } from '../../option-types.js';
import { PROMPT_KINDS } from '../../options.js';
import { WIDE_BOX } from '../workbench/boxes.js';
import type { FoundData, FoundPictures, Spread } from './found.js';
import { VALIDATION_FRACTION } from './look.js';

/** One setting, and why. */
export interface Choice {
  readonly name: keyof TrainOptions;
  /** Undefined: the option stays a comment, for the reader to decide. */
  readonly value: string | number | boolean | undefined;
  readonly reason: string;
}

/** Passes over all samples together that a run is begun with, and the bounds of its epochs. */
const [SAMPLES_SEEN, FEWEST_EPOCHS, MOST_EPOCHS] = [2000, 10, 50];
/** IoU with the labels from which on a rough mask is worth drawing prompts from. */
const GOOD_ROUGH_MASK = 0.5;

/** Chooses settings; those that were given stay as they are. */
export function choose(found: FoundData, given: Partial<TrainOptions>, model: string): Choice[] {
  const chosen = [
    ...dataChoices(found),
    { name: 'model', value: model, reason: MODEL_REASON } as const,
    promptChoice(found),
    ...roughChoices(found),
    ...paceChoices(found),
  ];
  const own = Object.entries(given).filter(([, value]) => value !== undefined) as [keyof TrainOptions, string][];
  const known = new Set(own.map(([name]) => name));
  const asGiven = own
    .filter(([name]) => name !== 'data' && name !== 'model')
    .map(([name, value]) => ({ name, value, reason: 'as it was given' }));
  const isFree = ({ name }: Choice) => name === 'data' || name === 'model' || !known.has(name);
  return [chosen[0]!, ...asGiven, ...chosen.slice(1).filter(isFree)];
}

const MODEL_REASON =
  'The smallest and quickest; with a GPU facebook/sam-vit-base (or -large, -huge) is worth a comparison.';

function dataChoices({ data, train, validation, otherSplits, pictures, labels }: FoundData): Choice[] {
  const others = otherSplits.length === 0 ? '' : ` Other splits: ${otherSplits.join(', ')}.`;
  const splits: Choice[] =
    validation.split === null
      ? [
          {
            name: 'validationFraction',
            value: VALIDATION_FRACTION,
            reason: `No split is there for validation: ${amount(validation.samples, 'sample')} of '${train.split}' ${validation.samples === 1 ? 'is' : 'are'} cut off. Crops of one picture must stay together: say how with group-by.`,
          },
        ]
      : named('validationSplit', validation.split, 'validation');
  return [
    {
      name: 'data',
      value: data,
      reason: `${amount(train.samples, 'sample')} to train on, ${validation.samples} to validate; ${picturesText(pictures)}.${others}`,
    },
    ...named('trainSplit', train.split, 'train'),
    ...splits,
    ...labelChoices(labels),
    ...bandChoices(pictures.bandNames),
  ];
}

function picturesText({ width, height, bands }: FoundPictures): string {
  const size = (which: keyof Spread) => `${Math.round(width[which])} x ${Math.round(height[which])}`;
  const range = size('least') === size('most') ? '' : ` in the middle (${size('least')} to ${size('most')})`;
  return `pictures of ${size('median')} pixels${range}, ${bands.join(' or ')} ${bands.join() === '1' ? 'band' : 'bands'}`;
}

/** Names a split that is called otherwise than the default. */
function named(name: 'trainSplit' | 'validationSplit', split: string, fallback: string): Choice[] {
  return split === fallback ? [] : [{ name, value: split, reason: `The data calls it so, not '${fallback}'.` }];
}

function labelChoices({ kind, values, empty }: FoundData['labels']): Choice[] {
  const choices: Choice[] = [];
  if (kind === 'ids') {
    const reason = 'Values of a mask count its objects (1, 2, …): each object is a sample of its own.';
    choices.push({ name: 'instances', value: true, reason });
  }
  if (kind === 'classes') {
    const reason = `Masks hold the values ${values.join(', ')}: all of them are inside as long as none is chosen (a colour is written #rrggbb). If each is an object, set instances instead.`;
    choices.push({ name: 'class', value: undefined, reason });
  }
  if (empty > 0) {
    const reason = `${amount(empty, 'label')} without a pixel to draw a prompt from; fail would stop there.`;
    choices.push({ name: 'onEmpty', value: 'skip', reason });
  }
  return choices;
}

function bandChoices(names: readonly (string | null)[]): Choice[] {
  const colours = ['red', 'green', 'blue'];
  const isThere = colours.every((colour) => names.includes(colour));
  if (!isThere || colours.every((colour, index) => names[index] === colour)) return [];
  const reason = `The bands are ${names.map((name) => name ?? 'unnamed').join(', ')}: the first three are not these.`;
  return [{ name: 'bands', value: colours.join(','), reason }];
}

function promptChoice({ labels: { kind, box } }: FoundData): Choice {
  const share = `the box around the middle label covers ${Math.round(100 * box)} % of its picture`;
  if (box > WIDE_BOX) return { name: 'prompt', value: 'points', reason: `A box would tell little: ${share}.` };
  if (kind === 'ids' || kind === 'outlines') {
    return { name: 'prompt', value: 'box', reason: `A box says which of the objects is meant; ${share}.` };
  }
  const reason = `The least to give later on; a box may do better (${share}): sam-native tune --prompts compares ${PROMPT_KINDS.join(', ')}.`;
  return { name: 'prompt', value: 'points', reason };
}

function roughChoices({ roughMasks, pictures }: FoundData): Choice[] {
  const [best] = roughMasks;
  if (best === undefined) {
    const infrared = pictures.bandNames.length > 3 && !pictures.bandNames.includes('nir');
    const reason = `There are ${pictures.bandNames.length} bands. If one is the near infrared, its number here and rough-mask ndwi (water) or ndvi (plants) give prompts without labels.`;
    return infrared ? [{ name: 'nir', value: undefined, reason }] : [];
  }
  const measured = roughMasks.map(({ kind, meanIou }) => `${kind} ${meanIou.toFixed(2)}`).join(', ');
  const iou = `IoU of its rough masks with the labels of ${best.images} pictures: ${measured}.`;
  if (best.meanIou < GOOD_ROUGH_MASK) {
    const reason = `Infrared is there, but no index finds the labels well. ${iou}`;
    return [{ name: 'roughMask', value: undefined, reason }];
  }
  return [
    { name: 'roughMask', value: best.kind, reason: `Prompts where nobody draws any. ${iou}` },
    { name: 'promptSource', value: 'mixed', reason: 'Half of the prompts from labels, half from rough masks.' },
  ];
}

function paceChoices({ train: { samples } }: FoundData): Choice[] {
  const epochs = Math.min(MOST_EPOCHS, Math.max(FEWEST_EPOCHS, Math.round(SAMPLES_SEEN / samples)));
  const batch = samples < 16 ? 2 : samples < 1000 ? 4 : 8;
  return [
    {
      name: 'epochs',
      value: epochs,
      reason: `A beginning for ${amount(samples, 'sample')}; early-stop ends it before.`,
    },
    { name: 'batchSize', value: batch, reason: `${amount(Math.ceil(samples / batch), 'step')} to an epoch.` },
    {
      name: 'earlyStop',
      value: Math.max(5, Math.ceil(epochs / 5)),
      reason: 'Epochs without a better validation loss.',
    },
  ];
}
