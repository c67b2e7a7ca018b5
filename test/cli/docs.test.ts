/** What a reader copies and follows: the lint of README, docs, examples and `--help` finds nothing, and finds what is planted. */
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, expect, onTestFinished, test } from 'vitest';
import { docFiles, faultsOf, faultsOfHelp } from '../../scripts/check-docs.mjs';
import { commandNames, linesOf, refusedConfigs, refusedLines } from '../../scripts/docs/calls.mjs';
import { compile } from './run-cli.js';

const FILES = docFiles();

beforeAll(compile);

test.each(FILES)('%s: every link leads somewhere, and the parser takes every command line and config', async (file) => {
  expect(await faultsOf(file)).toEqual([]);
});

test('--help: the parser takes every example, and there are some of every command', async () => {
  for (const name of [undefined, ...(await commandNames())]) expect(await faultsOfHelp(name)).toEqual([]);
});

test('the lines are seen: every command has some', async () => {
  const texts = await Promise.all(FILES.map(async (file) => linesOf(file, await readFile(file, 'utf8'))));
  const calls = texts.flat().filter(({ nameOnly }) => nameOnly !== true);
  expect(calls.length).toBeGreaterThan(60);
  for (const name of await commandNames()) expect(calls.map(({ words }) => words[0])).toContain(name);
  expect(calls).toContainEqual({ line: 1, words: ['train', '--config', 'examples/config.yaml'] });
});

test('dead links, headings and images are named, and what is there is not', async () => {
  const root = await mkdtemp(join(tmpdir(), 'sam-native-docs-'));
  onTestFinished(() => rm(root, { recursive: true }));
  await mkdir(join(root, 'docs'));
  const text = [
    '# A page',
    '## What `--json` prints: a list, twice',
    '## Twice',
    '## Twice',
    '<a id="by-hand"></a>',
    '',
    '[there](docs/b.md) [its part](docs/b.md#the-part) [folder](docs) [here](#what---json-prints-a-list-twice) [again](#twice-1)',
    '[by hand](#by-hand) [world](https://example.org/nowhere) `[code](nowhere.md)`',
    '',
    '[dead](docs/c.md)',
    '',
    '[dead part](docs/b.md#the-parts), ![picture](docs/picture.png), [here too](#thrice)',
    '<img src="docs/other.png">',
    '',
    '```sh',
    '[fenced](nowhere.md)',
    'sam-native train --data photos --epohcs 3',
    '```',
    '',
    '[by name][name]',
    '',
    '[name]: nowhere.md',
  ].join('\n');
  await writeFile(join(root, 'README.md'), text);
  await writeFile(join(root, 'docs/b.md'), '# B\n\n## The part\n\n[back](../README.md#a-page)\n');
  expect(await faultsOf('docs/b.md', root)).toEqual([]);
  expect(await faultsOf('README.md', root)).toEqual([
    'README.md:10: docs/c.md: there is no docs/c.md',
    'README.md:12: docs/b.md#the-parts: docs/b.md has no heading #the-parts',
    'README.md:12: docs/picture.png: there is no docs/picture.png',
    'README.md:12: #thrice: README.md has no heading #thrice',
    'README.md:12: docs/other.png: there is no docs/other.png',
    'README.md:20: nowhere.md: there is no nowhere.md',
    'README.md:17: sam-native train --data photos --epohcs 3: unknown option --epohcs — did you mean --epochs?',
  ]);
});

test('the lint runs it, and passes', async () => {
  expect(JSON.parse(await readFile('package.json', 'utf8'))).toMatchObject({
    scripts: { lint: expect.stringContaining('node scripts/check-docs.mjs') },
  });
  const { stdout } = await promisify(execFile)(process.execPath, ['scripts/check-docs.mjs']);
  expect(stdout).toContain('every link and every command line leads somewhere');
});

test('a wrong line is refused, wherever it stands', async () => {
  const text = [
    '`sam-native splt` cuts, `npx sam-native train --data photos',
    '--epohcs 3` trains; `sam-native <command> [options]` is schematic, `sam-native` the package.',
    '',
    '```sh',
    "npm ci && npx sam-native train --data photos --group-by '^(.*)_[ab]; # $' --gain 2   # --not-seen",
    '$ sam-native train --data "my photos" \\',
    '    --lr 0',
    '```',
    '',
    "    don't sam-native nothing",
    '    SAM_NATIVE_CACHE=/tmp sam-native tain; npx --yes sam-native predict *.jpg --schedule no',
    '    sam-native train --config river.yaml --data photos >log.txt 2>&1; sam-native --version',
    '',
    '```yaml',
    'batch-szie: 4',
    '```',
  ].join('\n');
  expect(await refusedLines('a.md', linesOf('a.md', text))).toEqual([
    'a.md:5: sam-native train --data photos --group-by ^(.*)_[ab]; # $ --gain 2: unknown option --gain — see --help',
    'a.md:6: sam-native train --data my photos --lr 0: --lr 0: expected more than 0 — see --help',
    'a.md:11: sam-native tain: unknown command tain — did you mean train?',
    'a.md:11: sam-native predict *.jpg --schedule no: unknown option --schedule — see --help',
    'a.md:1: sam-native splt: unknown command splt',
    'a.md:1: sam-native train --data photos --epohcs 3: unknown option --epohcs — did you mean --epochs?',
  ]);
  expect(await refusedConfigs('a.md', text)).toEqual([
    'a.md:15: this config: unknown option batch-szie — did you mean batch-size?',
  ]);
});
