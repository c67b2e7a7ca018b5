/** Folder of a search: what lies where in it. */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { writeConfigFile } from '../../core/config-file.js';
import { without } from '../../core/without.js';
import type { ResolvedTrainOptions } from '../../options.js';
import { runPaths } from '../../runs/run-folder.js';

export const searchPaths = (dir: string) => ({
  record: join(dir, 'tune.json'),
  config: join(dir, 'config.yaml'),
  trials: join(dir, 'trials'),
  /** Names the run folder of a trial, numbered from 1 on. */
  trial: (number: number) => join(dir, 'trials', String(number).padStart(2, '0')),
});

/** Removes what an earlier search left (`--overwrite`); other files stay. */
export async function forgetSearch(dir: string): Promise<void> {
  const { record, config, trials } = searchPaths(dir);
  for (const path of [record, config, trials]) await rm(path, { recursive: true, force: true });
}

/** Shrinks the folder of a trial that is out to its config and history, a few kilobytes. */
export async function shrinkTrial(dir: string): Promise<void> {
  const { checkpoints, tensorboard } = runPaths(dir);
  for (const path of [checkpoints, tensorboard]) await rm(path, { recursive: true, force: true });
}

/** Writes every option, so that later versions' defaults change nothing. */
export function writeConfig(dir: string, options: ResolvedTrainOptions, title: string): Promise<void> {
  // How a run is kept is no finding of the search.
  const found = without(options, 'resume', 'overwrite', 'out', 'report', 'saveEvery');
  return writeConfigFile(searchPaths(dir).config, title, found);
}
