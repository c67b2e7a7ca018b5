/** Groups of options, as help and config files lay them out. */
import { dataOptions, modelOptions, optimiserOptions, promptOptions, roughOptions, runOptions } from './options.js';

/** Groups in their order: what each is called, and the names of its options. An option is of the first group that has it. */
export const OPTION_GROUPS: readonly (readonly [title: string, names: readonly string[]])[] = [
  ['Data', [...Object.keys(dataOptions), 'split', 'testSplit']],
  ['Model and device', Object.keys(modelOptions)],
  ['Prompts', Object.keys(promptOptions).filter((name) => !(name in roughOptions))],
  ['Rough masks', Object.keys(roughOptions)],
  ['Optimiser', ['preset', ...Object.keys(optimiserOptions)]],
  ['Run and results', [...Object.keys(runOptions), 'profile']],
];

/** Returns the title of an option's group; undefined for one that a command has of its own. */
export function groupOf(name: string): string | undefined {
  return OPTION_GROUPS.find(([, names]) => names.includes(name))?.[0];
}
