/** Which versions of glibc and libstdc++ a compiled file needs, and the newest that a prebuild may: docs/installing.md names them. */

/** Newest versions that a prebuild may need. Debian 12 and Ubuntu 22.04 have them. */
export const FLOOR = { GLIBC: '2.34', GLIBCXX: '3.4.30' };

const isNewer = (a, b) => a.localeCompare(b, 'en', { numeric: true }) > 0;

/** The newest version of each library that the symbols in `objdump -T`'s output ask for. */
export function neededVersions(symbols) {
  const needed = {};
  for (const [, name, version] of symbols.matchAll(/\b(GLIBC|GLIBCXX)_(\d[\d.]*)/g))
    if (needed[name] === undefined || isNewer(version, needed[name])) needed[name] = version;
  return needed;
}

/** Throws where a file needs more than a prebuild may. */
export function checkFloor(needed) {
  for (const [name, version] of Object.entries(needed))
    if (isNewer(version, FLOOR[name]))
      throw new Error(`the addon needs ${name} ${version}, newer than ${FLOOR[name]}: compile it on an older system`);
}
