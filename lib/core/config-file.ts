/** Config files that commands write: YAML, names as on the command line, and where an editor finds their schema. */
import { existsSync } from 'node:fs';
import { dirname, isAbsolute, join, relative, resolve, sep } from 'node:path';
import { pathToFileURL } from 'node:url';
import { writeFileWhole } from './files.js';
import { PACKAGE_ROOT } from './package-root.js';
import { kebab } from './suggest.js';

/** File of the package that says which options a config file may hold. */
const SCHEMA = 'config.schema.json';

/**
 * Returns the comment by which editors complete and check a config file at `path`. Within the project that this package is installed
 * in, it leads there by a relative path, which holds on every machine; elsewhere only the package's own place is known.
 */
export function schemaComment(path: string, packageRoot: string = PACKAGE_ROOT): string {
  const [project = packageRoot] = packageRoot.split(`${sep}node_modules${sep}`);
  // Where packages are links into a store, as pnpm lays them out, the link outlives an update.
  const linked = join(project, 'node_modules', 'sam-native', SCHEMA);
  const schema = existsSync(linked) ? linked : join(packageRoot, SCHEMA);
  const folder = dirname(resolve(path));
  const inProject = within(project, folder) && !/\s/.test(relative(folder, schema));
  const place = inProject ? dotted(relative(folder, schema).replaceAll(sep, '/')) : pathToFileURL(schema).href;
  return `# yaml-language-server: $schema=${place}`;
}

function within(folder: string, path: string): boolean {
  const below = relative(folder, path);
  return below.split(sep)[0] !== '..' && !isAbsolute(below);
}

function dotted(path: string): string {
  return path.startsWith('.') ? path : `./${path}`;
}

/** Writes options as a config file, those that are not given left out, with a title above. */
export async function writeConfigFile(path: string, title: string, options: object): Promise<void> {
  const { stringify } = await import('yaml'); // here, so that `--help` need not wait for it
  const named = Object.entries(options).flatMap(([name, value]) => (value === undefined ? [] : [[kebab(name), value]]));
  await writeFileWhole(path, `${schemaComment(path)}\n# ${title}\n${stringify(Object.fromEntries(named))}`);
}
