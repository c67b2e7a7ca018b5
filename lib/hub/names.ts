/** Names of repositories on the Hub: `owner/name`, or `owner/name@revision`. */

const PART = '\\w(?:[\\w.-]{0,94}\\w)?';
const HUB_NAME = new RegExp(`^(${PART}/${PART})(?:@(\\w(?:[\\w.+/-]*\\w)?))?$`);

/** A repository's name, `owner/name`, and a revision of it: a branch, a tag or a commit. */
export interface HubName {
  readonly name: string;
  readonly revision: string;
}

/**
 * Parses `owner/name` or `owner/name@revision` (`main` by default); undefined where it is no such name. The rules are the Hub's, which
 * Python's library checks too: nothing that could lead out of the cache's folder passes.
 */
export function parseHubName(spec: string): HubName | undefined {
  const [, name, revision = 'main'] = HUB_NAME.exec(spec) ?? [];
  if (name === undefined || /--|\.\.|\.git$/.test(name)) return undefined;
  return /\.\.|\/\/|\/\./.test(revision) ? undefined : { name, revision };
}
