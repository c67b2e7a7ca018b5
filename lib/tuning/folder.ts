/** The folder of a search: what lies where in it, and whether one may be made there. */
import { existsSync } from 'node:fs';
import { access, constants, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { SamError, systemCode } from '../errors.js';
import { makeFolder, writeFileWhole } from '../files.js';
import type { ResolvedTrainOptions } from '../options.js';
import { kebab } from '../suggest.js';
import { runPaths } from '../training/run-folder.js';

export const FORMAT_VERSION = 1;

export const searchPaths = (dir: string) => ({
  record: join(dir, 'tune.json'),
  config: join(dir, 'config.yaml'),
  trials: join(dir, 'trials'),
  /** The run folder of a trial, numbered from 1 on. */
  trial: (number: number) => join(dir, 'trials', String(number).padStart(2, '0')),
});

/**
 * Makes the folder. Refuses, before any work, one that holds any of `results` already or that can't be written.
 *
 * @param what they are, such as `a search`.
 * @returns What removes the folders that were made, with all in them.
 */
export async function prepareFolder(
  dir: string,
  overwrite: boolean,
  { what, results }: { what: string; results: readonly string[] },
): Promise<() => Promise<void>> {
  if (!overwrite && results.some((path) => existsSync(path))) {
    throw new SamError('SAM_RUN_EXISTS', `${dir} already holds ${what}`, {
      fix: 'replace it (--overwrite), or name another folder with --out',
    });
  }
  try {
    const made = await makeFolder(dir);
    await access(dir, constants.W_OK);
    return async () => {
      if (made !== undefined) await rm(made, { recursive: true });
    };
  } catch (error) {
    if (error instanceof SamError) throw error;
    throw new SamError('SAM_IO', `--out ${dir} cannot be written (${systemCode(error) ?? error})`, {
      fix: 'name a folder that can',
      cause: error,
    });
  }
}

/** What an earlier search left (`--overwrite`); other files stay. */
export async function forgetSearch(dir: string): Promise<void> {
  const { record, config, trials } = searchPaths(dir);
  for (const path of [record, config, trials]) await rm(path, { recursive: true, force: true });
}

/** Leaves config and history of a trial that is out, a few kilobytes. */
export async function shrinkTrial(dir: string): Promise<void> {
  const { checkpoints, tensorboard } = runPaths(dir);
  for (const path of [checkpoints, tensorboard]) await rm(path, { recursive: true, force: true });
}

/** Every option by its name on the command line, so that later versions' defaults change nothing. */
export async function writeConfig(dir: string, options: ResolvedTrainOptions, title: string): Promise<void> {
  const { stringify } = await import('yaml');
  // How a run is kept is no finding of the search.
  const { resume: _, overwrite: __, out: ___, report: ____, saveEvery: _____, ...found } = options;
  const named = Object.entries(found).filter(([, value]) => value !== undefined);
  const text = stringify(Object.fromEntries(named.map(([name, value]) => [kebab(name), value])));
  await writeFileWhole(searchPaths(dir).config, `# ${title}\n${text}`);
}
