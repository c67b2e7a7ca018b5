/**
 * Meaning of the seconds that an image and a step take: hours for 1000 photographs and 50 epochs, beside the article's figure for a
 * T4, and beside what a T4 can do at all by its data sheet.
 */
import { leastSeconds, type Operation, type Peak, stepWork } from './work.js';

export const JOB = { images: 1000, epochs: 50 } as const;

/** Figure of the article: "under 12 hours" for sam-vit-huge on a free T4, its encoder run for every image of every epoch. */
export const ARTICLE = { hours: 12, imagesPerSecond: (JOB.images * JOB.epochs) / (12 * 3600) } as const;

/** Peak of a T4 by NVIDIA's data sheet. Nothing gets beyond it, and a card of 70 W hardly near. */
export const T4: Readonly<Record<'fp16' | 'fp32', Peak>> = {
  fp16: { flopsPerSecond: 65e12, bytesPerSecond: 320e9, bytesPerNumber: 2 },
  fp32: { flopsPerSecond: 8.1e12, bytesPerSecond: 320e9, bytesPerNumber: 4 },
};

/** Number of points of the prompt that is trained on. */
const POINTS = 3;

/** Hours of the job if each image is encoded once. */
export interface Hours {
  /** Hours that encoding takes. */
  encodingHours: number;
  /** Hours that training takes. */
  trainingHours: number;
  /** Hours of both. */
  totalHours: number;
}

export function hoursOf(secondsPerImage: number, secondsPerTrainedImage: number): Hours {
  const encodingHours = (JOB.images * secondsPerImage) / 3600;
  const trainingHours = (JOB.images * JOB.epochs * secondsPerTrainedImage) / 3600;
  return { encodingHours, trainingHours, totalHours: encodingHours + trainingHours };
}

export interface Meaning extends Hours {
  /** Trained images a second over the whole job, encoding included: to be set beside the article's 1.16. */
  imagesPerSecond: number;
  /** Ratio of the article's 12 hours to the hours here. */
  timesTheArticle: number;
  /** Comparison with a T4; null for an encoder whose arithmetic nobody counted. */
  t4: T4Comparison | null;
}

/**
 * Hours of a T4 at the limit of its data sheet. `measured`: this device is one, and `share` says how near it comes (limit
 * through hours here, in the precision measured). `projected`: it isn't; no T4 was looked at.
 */
export type T4Comparison =
  | {
      kind: 'measured';
      /** Hours that the T4's data sheet allows for at best. */
      limitHours: LimitHours;
      /** Share of the limit that was reached. */
      share: number;
    }
  | {
      kind: 'projected';
      /** Hours that the T4's data sheet allows for at best. */
      limitHours: LimitHours;
    };

/** Hours at the limit of a T4's data sheet, by precision. */
export type LimitHours = Record<'fp16' | 'fp32', number>;

/**
 * Works out what seconds mean.
 *
 * @param encoder the encoder's operations, or null where nobody counted them.
 */
export function meaningOf(
  device: { name: string; precision: 'fp32' | 'bf16' | 'fp16' },
  encoder: readonly Operation[] | null,
  seconds: { perImage: number; perTrainedImage: number },
): Meaning {
  const hours = hoursOf(seconds.perImage, seconds.perTrainedImage);
  const imagesPerSecond = (JOB.images * JOB.epochs) / (3600 * hours.totalHours);
  const rest = { ...hours, imagesPerSecond, timesTheArticle: ARTICLE.hours / hours.totalHours };
  if (encoder === null) return { ...rest, t4: null };
  const limitHours = { fp16: leastHours(encoder, T4.fp16), fp32: leastHours(encoder, T4.fp32) };
  if (!isT4(device.name)) return { ...rest, t4: { kind: 'projected', limitHours } };
  const share = limitHours[device.precision === 'fp32' ? 'fp32' : 'fp16'] / hours.totalHours;
  return { ...rest, t4: { kind: 'measured', limitHours, share } };
}

/** Tells a T4 by its name: `Tesla T4`, `NVIDIA T4`; not a T400 or T4G. */
export function isT4(deviceName: string): boolean {
  return /\bT4\b/i.test(deviceName);
}

function leastHours(encoder: readonly Operation[], peak: Peak): number {
  return hoursOf(leastSeconds(encoder, peak), leastSeconds(stepWork(POINTS), peak)).totalHours;
}
