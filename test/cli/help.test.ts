/** What `--help` shows of a command, and how much of it. */
import { expect, test } from 'vitest';
import yargs from 'yargs';
import { helpAsked } from '../../lib/cli/help-asked.js';
import { COMMANDS, nameIn, parse } from '../../lib/cli/parser.js';
import { kebab } from '../../lib/core/suggest.js';
import { OPTION_GROUPS } from '../../lib/option-groups.js';
import { trainOptionsSchema } from '../../lib/options.js';
import { compile, runCli } from './run-cli.js';

/** The help of a command, each option on a line of its own. */
async function helpOf(name: string, help: 'short' | 'all'): Promise<string> {
  const [, , load] = COMMANDS.find(([usage]) => nameIn(usage) === name)!;
  return (await load()).default.builder(yargs([]).locale('en').wrap(null), help).getHelp();
}

/** The options that a help shows, in its order, by the titles of their groups. */
function groupsOf(help: string): Map<string, string[]> {
  const groups = new Map<string, string[]>();
  let title = '';
  for (const line of help.split('\n')) {
    if (/^\S.*:$/.test(line)) title = line.slice(0, -1);
    const [, option] = /^ +(?:-\w, )?--([a-z][a-z-]*) /.exec(line) ?? [];
    if (option !== undefined) groups.set(title, [...(groups.get(title) ?? []), option]);
  }
  return groups;
}

test('train --help: groups in their order, what most calls need, and how to see the rest', async () => {
  const help = await helpOf('train', 'short');
  const groups = groupsOf(help);
  expect([...groups.keys()]).toEqual([...OPTION_GROUPS.map(([title]) => title), 'Every command']);
  const shown = [...groups.values()].flat();
  expect(shown.length).toBeLessThan(46);
  for (const name of ['data', 'epochs', 'lr', 'model', 'rough-mask', 'validation-fraction', 'config']) {
    expect(shown).toContain(name);
  }
  for (const name of ['multi-mask', 'cache-max', 'save-every', 'fill-holes']) expect(shown).not.toContain(name);
  const hidden = Object.keys(trainOptionsSchema.shape).length + 1 + 5 - shown.length; // and profile; five of every command
  expect(help).toContain(`\n${hidden} more options, which most calls leave as they are: --help all\n`);
});

test('train --help all: every option, once', async () => {
  const help = await helpOf('train', 'all');
  const shown = [...groupsOf(help).values()].flat();
  const all = [...Object.keys(trainOptionsSchema.shape), 'profile', 'config', 'json', 'verbose', 'help', 'version'];
  expect(shown.sort()).toEqual(all.map(kebab).sort());
  expect(help).not.toContain('more options');
});

test('all is asked for behind --help or -h', async () => {
  expect(helpAsked(['train'])).toBeUndefined();
  expect(helpAsked(['train', '-h'])).toBe('short');
  expect(helpAsked(['predict', 'all', '--help'])).toBe('short');
  expect(helpAsked(['train', '--help', 'all'])).toBe('all');
  compile();
  const [short, all] = [await runCli(['train', '-h']), await runCli(['train', '-h', 'all'])];
  expect([short.code, all.code]).toEqual([0, 0]);
  expect(short.stdout).not.toContain('--cache-max');
  expect(all.stdout).toContain('--cache-max');
});

test('types, units and defaults are shown; letters where a command has the option', async () => {
  const train = await helpOf('train', 'short');
  expect(train).toMatch(/--epochs +passes over the training split +\[number\] \[default: 50\]/);
  expect(train).toMatch(/-d, --data .*\[string\]/);
  expect(train).toMatch(/-m, --model .*\[default: mobile-sam\]/);
  expect(await helpOf('evaluate', 'short')).toMatch(/-m, --models /);
  expect(await helpOf('cache', 'short')).not.toMatch(/ -[dmo], /);
});

test('predict --help says nothing of training', async () => {
  for (const help of [await helpOf('predict', 'short'), await helpOf('predict', 'all')]) {
    const options = help.slice(0, help.indexOf('Examples:'));
    expect(options).not.toMatch(/\bloss\b|learning rate|\bepochs?\b|training split|from the label|either by chance/);
  }
  expect(await helpOf('predict', 'short')).toMatch(/--prompt .*\[default: as trained\]/);
});

test('no command hides what it has of its own', async () => {
  for (const [usage] of COMMANDS) {
    const name = nameIn(usage);
    const [short, all] = [groupsOf(await helpOf(name, 'short')), groupsOf(await helpOf(name, 'all'))];
    expect({ name, own: short.get('Options') }).toEqual({ name, own: all.get('Options') });
    expect([...short.values()].flat().length).toBeLessThanOrEqual(48);
  }
});

test('letters are the options that they stand for', async () => {
  let given = {};
  await parse(['train', '-d', 'photos', '-m', 'runs/a', '-o', 'runs/b'], async (command, argv) => {
    ({ given } = (await command.read(argv)) as { given: object });
  });
  expect(given).toEqual({ data: 'photos', model: 'runs/a', out: 'runs/b' });
});
