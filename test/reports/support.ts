/** Made-up scores with pictures on disk, and what a report says of itself. */
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseHTML } from 'linkedom';
import sharp from 'sharp';
import type { ResolvedPromptOptions } from '../../lib/models/prompt-options.js';
import type { ReportedScores } from '../../lib/reports/sections/scores-sections.js';
import { entrantKey, Sketches } from '../../lib/reports/sketches.js';
import type { ImageScores, MaskScores, ModelScores } from '../../lib/scoring/results.js';
import { totals } from '../../lib/scoring/summaries.js';

export async function temporaryFolder(): Promise<string> {
  return mkdtemp(join(tmpdir(), 'sam-native-report-'));
}

const PROMPT = { points: [[10, 12] as const], labels: [1 as const], box: [4, 4, 40, 30] as const };
const PROMPTS = { prompt: 'points', numPositive: 1, numNegative: 0, pointSets: 'joint', maskOutput: 'multi', seed: 1 };

export interface ScoredOptions {
  /** File stems that are names of images too. */
  images: readonly string[];
  models?: readonly { name: string; tuned: boolean }[];
  /** Long side of the photos, pixels. */
  side?: number;
  /** Noise is what compresses worst. */
  noise?: boolean;
}

const BOTH = [
  { name: 'tuned', tuned: true },
  { name: 'untuned', tuned: false },
];

/** IoU of the tuned model rises from image to image; the untuned one has half of it. */
export async function madeUp(
  dir: string,
  { images, models = BOTH, side = 64, noise = false }: ScoredOptions,
): Promise<ReportedScores> {
  const sketches = new Sketches();
  const rows: ImageScores[] = [];
  await mkdir(dir, { recursive: true });
  const [width, height] = [side, Math.round(side * 0.75)];
  for (const [index, image] of images.entries()) {
    const path = join(dir, noise ? 'noise.png' : `${index}.png`);
    if (!existsSync(path)) await photo(width, height, noise, path);
    const label = { values: disc(width, height, 0.3), width, height };
    for (const [place, { name, tuned }] of models.entries()) {
      const iou = ((index + 1) / (images.length + 1)) * (tuned ? 1 : 0.5);
      const predicted = disc(width, height, 0.2 + 0.1 * place);
      const row = { model: name, image, promptSource: 'ground-truth', promptKind: 'points' } as const;
      sketches.add(entrantKey({ ...row, name }), {
        sample: { name: image, image: { path } },
        label,
        predicted,
        prompt: PROMPT,
      });
      rows.push({ ...row, ...scoresOf(iou), predictedIou: 0.9, labelPixels: 5, predictedPixels: 5 });
    }
  }
  return { models: await Promise.all(models.map((model) => summary(model, rows))), rows, sketches };
}

function scoresOf(iou: number) {
  const rest = { f1: iou, precision: iou, recall: iou, accuracy: iou, boundaryIou: iou, boundaryF1: iou, hd95: 3 };
  const own: MaskScores = { iou, ...rest };
  const at256 = Object.fromEntries(Object.entries(own).map(([metric, value]) => [`${metric}At256`, value]));
  return { ...own, ...at256 } as Omit<ImageScores, 'model' | 'image' | 'promptSource' | 'promptKind'>;
}

async function summary(
  { name, tuned }: { name: string; tuned: boolean },
  rows: readonly ImageScores[],
): Promise<ModelScores> {
  const own = rows.filter(({ model }) => model === name);
  return {
    name,
    spec: name,
    ...(await totals(own, 1)),
    weightsHash: 'w',
    encoderHash: 'e',
    checkpointHash: tuned ? 'c' : null,
    promptSource: 'ground-truth',
    promptKind: 'points',
    prompts: PROMPTS as ResolvedPromptOptions,
  };
}

async function photo(width: number, height: number, noise: boolean, path: string): Promise<void> {
  const background = { r: 60, g: 90, b: 120 };
  const made = noise
    ? { create: { width, height, channels: 3, background, noise: { type: 'gaussian', mean: 128, sigma: 60 } } as const }
    : { create: { width, height, channels: 3, background } as const };
  await sharp(made).png().toFile(path);
}

export function disc(width: number, height: number, radius: number): Uint8Array {
  return Uint8Array.from({ length: width * height }, (_, at) =>
    Math.hypot((at % width) - width / 2, Math.floor(at / width) - height / 2) < radius * width ? 1 : 0,
  );
}

/** Every second pixel or so: outlines of nothing but corners. */
export function speckles(pixels: number): Uint8Array {
  return Uint8Array.from({ length: pixels }, (_, at) => ((at * 2654435761) >>> 15) & 1);
}

/** As a browser parses it. */
export function parsed(text: string) {
  return parseHTML(text).document;
}

/** Whatever a browser would fetch. */
export function requestsOf(text: string): string[] {
  const fetched =
    /<(?:script|img|link|iframe|source|use|image|object|embed|video|audio)\b[^>]*?\s(?:src|href|data)="([^"]*)"/g;
  const sources = [...text.matchAll(fetched)].map((match) => match[1]!);
  const styled = [...text.matchAll(/url\(([^)]*)\)|@import\s+([^;]*)/g)].map((match) => match[1] ?? match[2]!);
  return [...sources, ...styled].filter((source) => !source.startsWith('data:') && !source.startsWith('#'));
}
