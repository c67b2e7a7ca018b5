/** What other libraries make of random masks and numbers (scripts/make_metric_fixtures.py). */
import { readFileSync } from 'node:fs';
import type { Interval, MaskScores, WilcoxonTest } from '../../lib/scoring/results.js';

export interface MaskCase extends Record<keyof MaskScores, number> {
  width: number;
  height: number;
  predicted: string;
  label: string;
  hausdorff: number;
  squaredDistances: number[];
}

export interface Reference {
  masks: MaskCase[];
  wilcoxon: (WilcoxonTest & { differences: number[] })[];
  bootstrap: { values: number[]; mean: Interval; median: Interval }[];
  calibration: { predicted: number[]; real: number[]; expectedError: number; pearson: number; spearman: number }[];
}

export const reference = JSON.parse(
  readFileSync(new URL('../fixtures/metrics.json', import.meta.url), 'utf8'),
) as Reference;

export const bits = (text: string) => Uint8Array.from(text, Number);
