/**
 * Checks what readers follow: links and images of the Markdown files lead somewhere, and the parser takes every command line, config and
 * example of `--help`. `npm run lint` calls it: `node scripts/check-docs.mjs`. It asks the network for nothing.
 */
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { commandNames, linesOf, linesOfHelpOf, refusedConfigs, refusedLines } from './docs/calls.mjs';
import { deadLinks } from './docs/links.mjs';

const ROOT = join(import.meta.dirname, '..');
/** Fewest examples in a command's help. */
const FEWEST_EXAMPLES = 2;

const filesIn = (root, folder, type) =>
  readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) =>
    entry.isFile() && entry.name.endsWith(type) ? [join(folder, entry.name)] : [],
  );

/** The files that readers are given. */
export function docFiles(root = ROOT) {
  return [...filesIn(root, '.', '.md'), ...filesIn(root, 'docs', '.md'), ...filesIn(root, 'examples', '')];
}

/** What is wrong in a file, a line each. */
export async function faultsOf(file, root = ROOT) {
  const text = readFileSync(join(root, file), 'utf8');
  return [
    ...(extname(file) === '.md' ? deadLinks(root, file) : []),
    ...(await refusedLines(file, linesOf(file, text))),
    ...(await refusedConfigs(file, text)),
  ];
}

/** What is wrong with the examples in the help of a command; without a name, in that of all. */
export async function faultsOfHelp(name) {
  const lines = await linesOfHelpOf(name);
  const where = `${name ?? ''} --help`.trim();
  const few =
    lines.length < FEWEST_EXAMPLES ? [`${where}: ${lines.length} examples, fewer than ${FEWEST_EXAMPLES}`] : [];
  return [...few, ...(await refusedLines(where, lines))];
}

async function allFaults() {
  const faults = [];
  for (const file of docFiles()) faults.push(...(await faultsOf(file)));
  for (const name of [undefined, ...(await commandNames())]) faults.push(...(await faultsOfHelp(name)));
  return faults;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  spawnSync(join(ROOT, 'node_modules/.bin/tsc'), ['-p', 'tsconfig.json'], { cwd: ROOT, stdio: 'inherit' });
  const faults = await allFaults();
  for (const fault of faults) console.error(fault);
  console.log(
    faults.length === 0 ? 'docs: every link and every command line leads somewhere' : `docs: ${faults.length} faults`,
  );
  process.exitCode = faults.length === 0 ? 0 : 1;
}
