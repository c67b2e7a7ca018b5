/** `sam-native init`: looks at a data set, and writes a commented config that `train` takes as it is. */
import { resolve } from 'node:path';
import { schemaComment } from '../../core/config-file.js';
import { requireFree, requireWritable, writeFileWhole } from '../../core/files.js';
import type { Hooks } from '../../core/hooks.js';
import { checkHooks, parseOptions } from '../../core/parse-options.js';
import type { TrainOptions } from '../../option-types.js';
import { dataOptions, trainOptionsSchema } from '../../options.js';
import { choose } from './choose.js';
import { configText } from './config-text.js';
import { findData } from './find-data.js';
import type { FoundData } from './found.js';
import { lookAt } from './look.js';
import { type InitOptions, initOptionsSchema } from './options.js';

/** What {@link initConfig} gives back. */
export interface InitResult {
  /** Path of the config file. */
  config: string;
  /** Options that it sets. */
  options: Partial<TrainOptions>;
  /** What was found in the data. */
  found: FoundData;
}

/**
 * Looks at a data set, and writes a config for it: what the data asks for, with a reason each, and every other option of `train` as a
 * comment.
 *
 * ```ts
 * const { config, found } = await initConfig({ data: 'photos' });
 * ```
 * @throws SamError `SAM_BAD_OPTION`: a file in the way; `SAM_NOT_FOUND`, `SAM_BAD_DATA`: no data, or what `train` would say of it.
 */
export async function initConfig(given: InitOptions = {}, hooks: Hooks = {}): Promise<InitResult> {
  checkHooks(hooks);
  const options = parseOptions(initOptionsSchema, given);
  const config = resolve(options.out);
  requireFree(config, options.overwrite);
  await requireWritable(config, '`out`');
  const found = await lookAt(await findData(options, given, hooks), options, hooks);
  const own = Object.fromEntries(Object.entries(given).filter(([name]) => name in dataOptions));
  const choices = choose(found, own, options.model);
  const set = Object.fromEntries(choices.flatMap(({ name, value }) => (value === undefined ? [] : [[name, value]])));
  parseOptions(trainOptionsSchema, set);
  const call = `sam-native train --config ${/^[\w./-]+$/.test(options.out) ? options.out : `'${options.out}'`}`;
  const text = configText(choices, { call, doubts: found.doubts });
  await writeFileWhole(config, `${schemaComment(config)}\n${text}`);
  return { config, options: set, found };
}
