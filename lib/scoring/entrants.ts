/**
 * Entrants of a comparison: models with their prompt settings, with prompts from labels and, where one is described, from a rough mask.
 */

import { SamError } from '../core/errors.js';
import { without } from '../core/without.js';
import type { WorkOptions } from '../embeddings/work-options.js';
import type { ResolvedModel } from '../models/model.js';
import { promptOptionsFor, type ResolvedPromptOptions } from '../models/prompt-options.js';
import { resolveModel } from '../models/resolve.js';
import { PROMPT_KINDS } from '../options.js';
import { toRoughMaskSettings } from '../prompts/rough/settings.js';
import type { EvaluatedPrompt, EvaluatedSource } from './results.js';

export interface Entrant {
  readonly name: string;
  readonly model: ResolvedModel;
  readonly prompts: ResolvedPromptOptions;
  readonly promptSource: EvaluatedSource;
}

export interface EntrantOptions extends Pick<WorkOptions, 'cacheDir' | 'encoder' | 'signal' | 'onNote'> {
  /** Models by name, file or run folder; `untuned` is the source weights of the first run among them, or mobile-sam. */
  models: readonly string[];
  /** Options about prompts that are asked for; the others are those of the first run among the models, else the defaults. */
  prompts?: object;
  /** Kinds of prompts to compare side by side. Default: the one of the settings. */
  promptKinds?: readonly EvaluatedPrompt[] | undefined;
  /** Whether each model gets the settings that it was trained with. */
  ownSettings?: boolean;
}

/** Finds the files and settings of all models, before anything slow begins. */
export async function resolveEntrants(options: EntrantOptions): Promise<Entrant[]> {
  if (options.models.length === 0)
    throw new SamError('SAM_BAD_OPTION', 'no model to evaluate', { fix: 'name `models`' });
  checkKinds(options);
  const { cacheDir, encoder, signal, onNote } = options;
  const tuned = new Map<string, ResolvedModel>();
  for (const spec of options.models) {
    if (spec !== 'untuned') tuned.set(spec, await resolveModel(spec, { cacheDir, encoder, signal, onNote }));
  }
  const firstRun = [...tuned.values()].find(({ checkpoint }) => checkpoint !== undefined);
  const models: ResolvedModel[] = [];
  for (const spec of options.models) {
    models.push(tuned.get(spec) ?? (await untuned(firstRun, { cacheDir, encoder, signal, onNote })));
  }
  const names = models.map(({ name }) => name);
  return models.flatMap((model) => {
    // Two runs in folders of one name are told apart by what the user wrote.
    const name = names.filter((other) => other === model.name).length > 1 ? model.spec : model.name;
    const prompts = promptOptionsFor(options.prompts ?? {}, options.ownSettings ? model : firstRun);
    return (options.promptKinds ?? [prompts.prompt]).flatMap((kind) =>
      waysOf(kind, prompts).map((way) => ({ name, model, ...way })),
    );
  });
}

function checkKinds({ promptKinds, prompts = {} }: EntrantOptions): void {
  if (promptKinds === undefined) return;
  if (promptKinds.length === 0 || new Set(promptKinds).size < promptKinds.length) {
    throw new SamError('SAM_BAD_OPTION', `\`promptKinds\` ${promptKinds.join(',')}: expected each kind once`, {
      fix: `name some of ${PROMPT_KINDS.join(', ')}, automatic`,
    });
  }
  if ((prompts as { prompt?: unknown }).prompt !== undefined) {
    throw new SamError('SAM_BAD_OPTION', '`prompt` and `promptKinds` both say what is drawn', {
      fix: 'leave one out',
    });
  }
}

/**
 * Lists the sources that a kind of prompt is drawn from. `automatic` is drawn as the settings say, from what the model finds by itself.
 */
function waysOf(kind: EvaluatedPrompt, prompts: ResolvedPromptOptions): Pick<Entrant, 'prompts' | 'promptSource'>[] {
  if (kind === 'automatic') return [{ prompts, promptSource: 'automatic' }];
  return sourcesOf(prompts).map((promptSource) => ({ prompts: { ...prompts, prompt: kind }, promptSource }));
}

/**
 * Lists the sources of prompts: labels and, where one is described, a rough mask. `--prompt-source ground-truth` keeps to the
 * labels.
 */
function sourcesOf(prompts: ResolvedPromptOptions): EvaluatedSource[] {
  if (prompts.promptSource === 'ground-truth') return ['ground-truth'];
  return toRoughMaskSettings(prompts) === undefined ? ['ground-truth'] : ['ground-truth', 'rough'];
}

/** Finds the model that the first run started from, without what the run has trained; mobile-sam where there is no run. */
async function untuned(
  firstRun: ResolvedModel | undefined,
  options: Parameters<typeof resolveModel>[1],
): Promise<ResolvedModel> {
  const source = without(firstRun ?? (await resolveModel('mobile-sam', options)), 'decoder', 'checkpoint');
  return { ...source, spec: 'untuned', name: 'untuned' };
}
