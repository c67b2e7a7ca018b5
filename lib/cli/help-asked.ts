/** How much help a call asks for. A file of its own, so that a parser need not load options to know. */

/** How much help was asked for; undefined: none. */
export type HelpAsked = 'short' | 'all' | undefined;

/** Tells how much help a call asks for: `--help all` for all of it. */
export function helpAsked(args: readonly string[]): HelpAsked {
  const at = args.findIndex((arg) => arg === '--help' || arg === '-h');
  if (at === -1) return undefined;
  return args[at + 1] === 'all' ? 'all' : 'short';
}
