/** Names of repositories on the Hub: `owner/name`, or `owner/name@revision`. */

const PART = '\\w(?:[\\w.-]{0,94}\\w)?';
const HUB_NAME = new RegExp(`^(${PART}/${PART})(?:@(\\w(?:[\\w.+/-]*\\w)?))?$`);

export interface HubName {
  readonly name: string;
  readonly revision: string;
}

/** The Hub's rules, which Python's library checks too: nothing that could lead out of the cache's folder passes. */
export function parseHubName(spec: string): HubName | undefined {
  const [, name, revision = 'main'] = HUB_NAME.exec(spec) ?? [];
  if (name === undefined || /--|\.\.|\.git$/.test(name)) return undefined;
  return /\.\.|\/\/|\/\./.test(revision) ? undefined : { name, revision };
}
