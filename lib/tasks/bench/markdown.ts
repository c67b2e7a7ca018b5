/** Markdown of a result: what was measured, what it means, and how the arithmetic was counted. */
import { ARTICLE, JOB } from './meaning.js';
import type { BenchResult } from './result.js';

/** Figures of a result: all but the place that the tables are written to. */
type Figures = Omit<BenchResult, 'out'>;

export function benchMarkdown(result: Figures): string {
  return [title(result), encoders(result), steps(result), prompts(result), meaning(result), FORMULA].join('\n\n');
}

function title({ deviceName, device, precision, threads, versions, date, quick }: Figures): string {
  const { samNative, libtorch, node } = versions;
  const lines = [
    '# What this machine does',
    `${deviceName} (${device}), ${precision}, ${threads} threads; sam-native ${samNative}, LibTorch ${libtorch}, Node ${node}; ${date}.`,
  ];
  if (quick) lines.push('Quick: each figure was measured once, take none of them for what the machine does.');
  return lines.join('\n\n');
}

function encoders({ encoder }: Figures): string {
  const rows = encoder.map(({ model, precision, secondsPerImage, imagesPerSecond, gflopPerImage, gflopPerSecond }) => {
    const counted = gflopPerImage === null ? '-' : gflopPerImage.toFixed(1);
    const rate = gflopPerSecond === null ? '-' : gflopPerSecond.toFixed(0);
    return [model, precision, figure(secondsPerImage), figure(imagesPerSecond), counted, rate];
  });
  return `## Image encoder, one 1024 x 1024 picture at a time\n\n${table(
    ['encoder', 'precision', 's an image', 'images/s', 'GFLOP an image', 'GFLOP/s'],
    rows,
  )}`;
}

function steps({ steps }: Figures): string {
  const rows = steps.map((step) => [
    String(step.batch),
    figure(step.secondsPerStep),
    figure(step.stepsPerSecond),
    figure(step.imagesPerSecond),
  ]);
  const what = 'three joint points, three masks; forward, backward, AdamW; embeddings at hand';
  return `## Training step\n\n${what}.\n\n${table(['batch', 's a step', 'steps/s', 'images/s'], rows)}`;
}

function prompts({ prompts }: Figures): string {
  const rows = prompts.map((speed) => [
    String(speed.prompts),
    figure(1000 * speed.secondsPerPrompt),
    figure(speed.promptsPerSecond),
  ]);
  return `## Prompts on a cached embedding\n\n${table(['at once', 'ms a prompt', 'prompts/s'], rows)}`;
}

function meaning({ means, precision }: Figures): string {
  const measured = means.some(({ t4 }) => t4?.kind === 'measured');
  const rows = means.map(
    ({ model, batch, encodingHours, trainingHours, totalHours, imagesPerSecond, timesTheArticle, t4 }) => [
      `${model}, batch ${batch}`,
      `${duration(encodingHours)} + ${duration(trainingHours)} = ${duration(totalHours)}`,
      figure(imagesPerSecond),
      figure(timesTheArticle),
      ...(t4 === null ? ['-', '-'] : [duration(t4.limitHours.fp16), duration(t4.limitHours.fp32)]),
      ...(measured ? [t4?.kind === 'measured' ? `${(100 * t4.share).toFixed(0)} %` : '-'] : []),
    ],
  );
  const head = [
    'model',
    'encoding + training',
    'images/s',
    "times the article's speed",
    'T4 limit, fp16',
    'T4 limit, fp32',
  ];
  const said = measured
    ? 'This is a T4: measured, beside the limit of its data sheet and what share of it was reached.'
    : 'The columns of the T4 are projected from its data sheet: this machine has none, and none was measured.';
  return [
    `## What it means: ${JOB.images} images x ${JOB.epochs} epochs, ${precision}`,
    `Each image is encoded once, then only the decoder works. The article's T4 took ${ARTICLE.hours} hours (ViT-H, its encoder run on ` +
      `every step): ${ARTICLE.imagesPerSecond.toFixed(2)} images/s. Reading data, validation and checkpoints are not in here.`,
    table(measured ? [...head, 'share reached'] : head, rows),
    said,
  ].join('\n\n');
}

const FORMULA = `## How it was counted

A multiply-add is two operations. SAM's encoder of width D, MLP M, on N = 4096 tokens:
patches 2 N 768 D; each layer 2 T 4 D^2 (q, k, v, output) + 4 T K D (scores and their product with v) + 4 T S D (relative
positions) + 2 N 2 D M (MLP), with T = K = 4096, S = 64 where it attends to the whole picture, else T = 4900 (25 windows of 14 x 14,
padding counted), K = 196, S = 14; neck 2 N 256 (D + 2304). The decoder likewise; backward costs twice forward, less the
gradients that the frozen encoder doesn't ask for. T4 limit: the sum over operations of max(FLOP / peak, bytes / 320 GB/s), peak
65 TFLOP/s in fp16 and 8.1 in fp32, each operation reading and writing once, all that is elementwise fused.`;

function table(head: string[], rows: string[][]): string {
  const line = (cells: string[]) => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

function duration(hours: number): string {
  return hours < 1 ? `${figure(60 * hours)} min` : `${figure(hours)} h`;
}

/** Writes a figure with three digits. */
function figure(value: number): string {
  return value >= 100 ? value.toFixed(0) : value.toPrecision(3);
}
