/** Which versions of Node.js will do. What is here has to run on any. */

/** Oldest version that will do, as `engines` of package.json says. */
export const OLDEST_NODE = '20.19';

/** Tells whether a version of Node.js, such as `20.19.1`, will do. */
export function isSupportedNode(version: string): boolean {
  const [[major, minor], [leastMajor, leastMinor]] = [numbersOf(version), numbersOf(OLDEST_NODE)];
  return major > leastMajor || (major === leastMajor && minor >= leastMinor);
}

function numbersOf(version: string): [major: number, minor: number] {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return [major, minor];
}
