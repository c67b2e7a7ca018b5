/** `--resume`: what the run in a folder stands for, and whether options given again agree with it. */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { z } from 'zod';
import { SamError } from '../core/errors.js';
import { parseOptions } from '../core/parse-options.js';
import { type ResolvedTrainOptions, type TrainOptions, trainOptionsSchema } from '../options.js';
import { type CheckpointMetadata, readCheckpointMetadata } from '../runs/checkpoints.js';
import { type RunConfig, readRunConfig, runPaths } from '../runs/run-folder.js';

/** Options that may differ from the run's own: none of them changes what is learnt (but for `epochs`, how long). */
const MAY_CHANGE = new Set(['epochs', 'device', 'threads', 'saveEvery', 'mirror', 'cacheDir', 'cacheMax', 'report']);
/** Options that say where the run is, not how it trains. */
const PLACE = new Set(['out', 'resume', 'overwrite']);

/** Options of a run that goes on: its folder, and what may change. What else is given must agree with the run. */
export interface ResumeOptions extends Partial<TrainOptions> {
  /** The run's folder; '': the one that `out` names. */
  resume: string;
}

export interface ResumedRun {
  dir: string;
  /** Config of the run, with the options that were given anew. */
  config: RunConfig;
  /** Metadata of the last checkpoint; undefined for a run that was killed before its first. */
  metadata: CheckpointMetadata | undefined;
}

/**
 * Returns the folder of `--resume DIR`, or of `--resume --out DIR`; undefined for a new run.
 *
 * @throws SamError `SAM_BAD_OPTION`: no folder is named, or two are.
 */
export function resumeFolder({ resume, out }: Pick<TrainOptions, 'resume' | 'out'>): string | undefined {
  if (resume === undefined) return undefined;
  const folder = resume === '' ? out : resume;
  if (folder === undefined) {
    throw new SamError('SAM_BAD_OPTION', '`resume` names no folder', { fix: 'write `resume` RUNDIR' });
  }
  if (out !== undefined && resolve(out) !== resolve(folder)) {
    throw new SamError('SAM_BAD_OPTION', `\`resume\` ${resume} and \`out\` ${out} are different folders`, {
      fix: 'leave out `out`: a resumed run goes on in its own folder',
    });
  }
  return resolve(folder);
}

/**
 * Reads the run in a folder, to go on with it.
 *
 * @param given options given anew, which must agree with the run's own; some may change.
 * @throws SamError `SAM_NOT_FOUND`: there is no run. `SAM_BAD_CHECKPOINT`: the last checkpoint can't be read. `SAM_BAD_OPTION`: options
 * disagree, all of which it names.
 */
export async function openResumedRun(dir: string, given: Partial<TrainOptions>): Promise<ResumedRun> {
  const config = await readRunConfig(dir);
  const options = { ...config.options, ...agreedChanges(given, config.options) };
  const { last } = runPaths(dir);
  const metadata = existsSync(last) ? await readCheckpointMetadata(last) : undefined;
  return { dir, config: { ...config, options }, metadata };
}

/** Checks the options given anew, and returns those that may change. */
function agreedChanges(given: Partial<TrainOptions>, own: ResolvedTrainOptions): Partial<ResolvedTrainOptions> {
  const names = Object.keys(given).filter(
    (name) => given[name as keyof TrainOptions] !== undefined && !PLACE.has(name),
  );
  const shape = trainOptionsSchema.shape as Record<string, z.ZodType>;
  const schema = z.strictObject(
    Object.fromEntries(names.filter((name) => name in shape).map((name) => [name, shape[name]!])),
  );
  const again = absolutePaths(
    parseOptions(schema, Object.fromEntries(names.map((name) => [name, given[name as keyof TrainOptions]]))),
  );
  const stored = own as Record<string, unknown>;
  const differing = names.filter((name) => !MAY_CHANGE.has(name) && again[name] !== stored[name]);
  if (differing.length > 0) {
    const pairs = differing.map(
      (name) => `\`${name}\` is ${again[name]} here and ${stored[name] ?? 'not set'} in the run`,
    );
    throw new SamError('SAM_BAD_OPTION', pairs.join('; '), {
      fix: 'leave these options out to go on with the run as it was, or begin a new run',
    });
  }
  return Object.fromEntries(names.filter((name) => MAY_CHANGE.has(name)).map((name) => [name, again[name]]));
}

/** Makes the paths in options absolute, so that a run means the same from every folder. */
export function absolutePaths<Options extends Record<string, unknown>>(options: Options): Options {
  const changed: Record<string, unknown> = { ...options };
  for (const name of ['cacheDir', 'images', 'mirror', 'out', 'roughMasks']) {
    const path = changed[name];
    if (typeof path === 'string') changed[name] = resolve(path);
  }
  // These may also be names (`sample:rivers`, `mobile-sam`).
  for (const name of ['data', 'model', 'encoder']) {
    const path = changed[name];
    if (typeof path === 'string' && existsSync(path)) changed[name] = resolve(path);
  }
  return changed as Options;
}
