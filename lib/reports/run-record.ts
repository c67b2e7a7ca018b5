/** What a run folder tells about its training: `config.json` and `history.jsonl`. */
import { createReadStream, existsSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { z } from 'zod';
import { type RunConfig, readRunConfig, runPaths } from '../runs/run-folder.js';
import type { Point } from './plots.js';

/** Most steps at which learning rates are plotted. */
const MOST_RATES = 400;

const stepSchema = z.object({ type: z.literal('step'), epoch: z.number(), step: z.number(), learningRate: z.number() });
const epochSchema = z.object({
  type: z.literal('epoch'),
  epoch: z.number(),
  trainLoss: z.number(),
  validationLoss: z.number(),
  validationIou: z.number(),
  best: z.boolean(),
  seconds: z.number(),
  samplesPerSecond: z.number(),
});
const lineSchema = z.discriminatedUnion('type', [stepSchema, epochSchema]);

/** A completed epoch, as `history.jsonl` has it. */
export type EpochRecord = z.infer<typeof epochSchema>;

/** What the files of a run tell about its training. */
export interface RunRecord {
  readonly dir: string;
  readonly config: RunConfig;
  readonly epochs: readonly EpochRecord[];
  /** Learning rates (y) over epochs completed (x, with fractions). */
  readonly rates: readonly Point[];
}

/**
 * Reads a run, finished or not.
 *
 * @throws SamError `SAM_NOT_FOUND`: no run there; `SAM_BAD_CHECKPOINT`: a run of another version.
 */
export async function readRun(dir: string): Promise<RunRecord> {
  const config = await readRunConfig(dir);
  const epochs: EpochRecord[] = [];
  const steps: z.infer<typeof stepSchema>[] = [];
  for await (const line of linesOf(runPaths(dir).history)) {
    if (line.type === 'step') steps.push(line);
    else epochs.push(line);
  }
  return { dir, config, epochs, rates: ratesOf(steps) };
}

/** Reads the lines of a history. Passes by a line cut short by a crash, and one with NaN or infinity in it (they are written as texts). */
async function* linesOf(path: string): AsyncGenerator<z.infer<typeof lineSchema>> {
  if (!existsSync(path)) return;
  for await (const text of createInterface({ input: createReadStream(path), crlfDelay: Number.POSITIVE_INFINITY })) {
    const line = lineSchema.safeParse(parsed(text));
    if (line.success) yield line.data;
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function ratesOf(steps: readonly z.infer<typeof stepSchema>[]): Point[] {
  // All epochs of a run have as many steps; the first one is whole, or the only one.
  const perEpoch = Math.max(1, steps.filter(({ epoch }) => epoch === 1).length);
  const stride = Math.max(1, Math.ceil(steps.length / MOST_RATES));
  // Warm-up is short: its steps are all there.
  return steps
    .filter((_, index) => index < 50 || index % stride === 0 || index === steps.length - 1)
    .map(({ step, learningRate }) => ({ x: step / perEpoch, y: learningRate }));
}
