/** Output of `sam-native tune --prompts`: what is told while it runs, and the tables at the end. */
import type { PairedDifference } from '../scoring/results.js';
import type {
  ArmResult,
  ComparisonProgress,
  PromptComparison,
  SourceResult,
} from '../tasks/prompt-comparison/compare-prompts.js';
import { fewestImages } from '../tasks/prompt-comparison/verdict.js';
import { boxesTellLittle, WIDE_BOX } from '../tasks/workbench/boxes.js';
import { encodingProgress } from './encoding-progress.js';
import { DIFFERENCE_HEAD, differenceCells, SOURCES } from './evaluate-tables.js';
import { formatDuration, type ProgressTask, type Reporter } from './progress.js';
import { aligned, fixed, interval, pValue, signed } from './tables.js';

/** Shows a bar for the epochs of all models, and a line for each model that is trained and scored. */
export function comparisonPresenter(reporter: Reporter): (progress: ComparisonProgress) => void {
  const encoding = encodingProgress(reporter);
  let bar: ProgressTask | undefined;
  return (progress) => {
    if (progress.stage === 'encode') return encoding(progress);
    const { kind, source } = progress.arm;
    const prompts = `${kind} from ${SOURCES[source]}`;
    if (progress.stage === 'train') {
      bar ??= reporter.task('epochs', progress.total);
      const rate = `${progress.samplesPerSecond.toFixed(1)} images/s`;
      return bar.update(progress.epochs, `${prompts}  ${rate}  ${formatDuration(progress.secondsLeft)} left`);
    }
    reporter.say(`${progress.done}/${progress.of}  ${prompts}  mean IoU ${fixed(progress.meanIou)}`);
    if (progress.done < progress.of) return;
    bar?.end();
    bar = undefined;
  };
}

export function comparisonTables(result: PromptComparison): string {
  return [
    `IoU on ${result.images} ${result.split} images, each model asked with the prompts that it was trained with`,
    armTable(result),
    differenceTable(result),
    result.sources.map((source) => sentence(source, result.images)).join('\n'),
    notes(result),
    `models:  ${result.arms.map(modelLine(result)).join('\n         ')}\nscores:  ${result.perImage}\n         ${result.record}`,
  ].join('\n\n');
}

/** Makes the function that writes a model's line: its folder, for `--model`, marked where the verdict names it. */
function modelLine({ sources }: PromptComparison): (arm: ArmResult) => string {
  const taken = sources.map(({ source, take }) => `${take} ${source}`);
  return ({ kind, source, runDir }) => `${runDir}${taken.includes(`${kind} ${source}`) ? '   (take this)' : ''}`;
}

function armTable({ arms, roughMask }: PromptComparison): string {
  const head = ['prompts', 'from', 'untuned', 'tuned', '95 %', 'gain', '95 %', 'below 0.5'];
  const rows = arms.map(({ kind, source, tuned, untuned, gain }) => [
    kind,
    SOURCES[source],
    fixed(untuned.meanIou),
    fixed(tuned.meanIou),
    interval(tuned.own.iou.meanInterval, fixed),
    signed(gain.mean),
    interval(gain.meanInterval, signed),
    String(tuned.belowHalf),
  ]);
  if (roughMask !== null) {
    const { meanIou, own, belowHalf } = roughMask;
    const score = [fixed(meanIou), interval(own.iou.meanInterval, fixed)];
    rows.push(['the mask itself', SOURCES.rough, '', ...score, '', '', String(belowHalf)]);
  }
  return aligned([head, ...rows], 2);
}

/** Makes the table of differences: kinds against each other, and rough masks against labels. */
function differenceTable({ sources, roughMinusLabels }: PromptComparison): string {
  const head = ['', 'against', ...DIFFERENCE_HEAD, "Holm's"];
  const name = ({ promptKind, promptSource }: PairedDifference['a']) => `${promptKind} from ${SOURCES[promptSource]}`;
  const row = (one: PairedDifference, pHolm: number | null) => [
    name(one.b),
    name(one.a),
    ...differenceCells(one),
    pHolm === null ? '' : pValue(pHolm),
  ];
  const kinds = sources.flatMap(({ differences }) => differences.map((one) => row(one, one.pHolm)));
  return aligned([head, ...kinds, ...roughMinusLabels.map((one) => row(one, null))], 2);
}

function sentence({ source, best, alike, take, differences }: SourceResult, images: number): string {
  const from = `From ${SOURCES[source]}:`;
  if (differences.length === 0) return `${from} ${best}, the only kind compared.`;
  if (take === null) {
    return `${from} ${images} images are too few to say; ${best} came out best. At least ${fewestImages(differences.length)} are needed, some dozens tell more.`;
  }
  if (alike.length === 1) return `${from} take ${best}: the others are worse by more than chance.`;
  const listed = `${alike.slice(0, -1).join(', ')} and ${alike.at(-1)}`;
  const chance = `between ${listed} the difference may be chance on these ${images} images`;
  if (source === 'rough') return `${from} take ${best}, which came out best; ${chance}.`;
  const first = take === best ? 'came out best' : `are the least to draw; ${best} came out best`;
  return `${from} take ${take}, which ${first}, but ${chance}.`;
}

function notes({ split, boxes }: PromptComparison): string {
  const flattered =
    split === 'test'
      ? 'Nothing was chosen by these images.'
      : 'The best epoch of each model was chosen by these images too, which flatters all of them a little; a test split would not be.';
  const percent = (part: number) => `${Math.round(part * 100)} %`;
  const middle = `The box of the middle training label covers ${percent(boxes.median)} of its picture`;
  const wide = `of ${percent(boxes.wide)} of the labels it covers more than ${percent(WIDE_BOX)}`;
  return `${flattered}\n${middle}; ${wide}${boxesTellLittle(boxes) ? ': boxes tell little here' : ''}.`;
}
