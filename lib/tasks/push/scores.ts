/** The scores that a run's report shows, from its `scores.json`, as far as they are of the checkpoint that goes out. */
import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { runPaths } from '../../runs/run-folder.js';

const interval = z.tuple([z.number(), z.number()]).nullable();
const summary = z.object({
  mean: z.number().nullable(),
  meanInterval: interval,
  median: z.number().nullable(),
  medianInterval: interval,
});

const modelSchema = z.object({
  name: z.string(),
  count: z.number(),
  checkpointHash: z.string().nullable(),
  promptSource: z.string(),
  promptKind: z.string().nullable(),
  own: z.object({ iou: summary, f1: summary, boundaryIou: summary }),
});
const scoresSchema = z.object({ models: z.array(modelSchema) });

/** A mean and a median, each with its 95 percent interval. */
export type Summary = z.infer<typeof summary>;

/** Scores of one model on the run's validation images. */
export type Scores = z.infer<typeof modelSchema>;

/** Reads the scores, untuned model and run. Undefined where there are none, or they are of an earlier checkpoint. */
export async function readScores(run: string, checkpointHash: string | undefined): Promise<Scores[] | undefined> {
  const text = await readFile(runPaths(run).scores, 'utf8').catch(() => undefined);
  if (text === undefined) return undefined;
  const { data } = scoresSchema.safeParse(parsed(text));
  return data?.models.some((scores) => scores.checkpointHash === checkpointHash) ? data.models : undefined;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // cut short: as if there were none
  }
}
