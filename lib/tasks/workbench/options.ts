/** Options of all that trains many models: those of `train`, which the runs share, and what each run has of its own. */
import { z } from 'zod';
import { words } from '../../core/words.js';
import { PROMPT_KINDS, type ResolvedTrainOptions, trainOptionsSchema } from '../../options.js';
import type { PromptKind } from '../../prompts/prompt.js';

const { prompt } = trainOptionsSchema.shape;

/** Makes the schema of words with commas between, each of which `one` takes. The text stays as it is: records and configs hold it. */
export function commaText(one: z.ZodType, read: (word: string) => unknown = (word) => word) {
  return z.string().superRefine((text, context) => {
    for (const word of words(text)) {
      const { error } = one.safeParse(read(word));
      if (error !== undefined) context.addIssue(`"${word}" is not one of them: ${expected(error)}`);
    }
  });
}

function expected({ issues: [issue] }: z.ZodError): string {
  if (issue?.code === 'invalid_value') return `expected some of ${issue.values.join(', ')}`;
  return issue?.code === 'custom' ? issue.message : 'expected numbers above 0';
}

export const testSplit = z
  .string()
  .default('test')
  .describe('split that the winner and the settings given are scored on in the end, where the data has it');

export const promptKinds = commaText(prompt)
  .default(PROMPT_KINDS.join(','))
  .describe(`kinds of prompts to try, with commas: ${PROMPT_KINDS.join(', ')}`);

export function kindsOf(given: { promptKinds: string }): PromptKind[] {
  return words(given.promptKinds).map((word) => prompt.parse(word));
}

/** Setting that a run of a search has of its own. */
export interface Setting {
  /** Learning rate. */
  readonly lr: number;
  /** Loss, a weighted sum. */
  readonly loss: string;
  /** Kind of prompt. */
  readonly prompt: PromptKind;
}

/**
 * Options of the task, not of its runs. A preset's values are among the options already, and its name would claim what a run has of its
 * own.
 */
const OF_THE_TASK = new Set(['out', 'overwrite', 'preset']);

/** Makes the options of `train` for one run of a task: those of the task that `train` has, but for what the run has of its own. */
export function trainOptionsOf(options: object, own: Partial<ResolvedTrainOptions>): ResolvedTrainOptions {
  const shared = Object.entries(options).filter(([name]) => name in trainOptionsSchema.shape && !OF_THE_TASK.has(name));
  return trainOptionsSchema.parse({ ...Object.fromEntries(shared), ...own });
}
