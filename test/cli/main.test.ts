import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { compile, runCli } from './run-cli.js';

let dir: string;
beforeAll(async () => {
  compile();
  dir = await mkdtemp(join(tmpdir(), 'sam-native-main-'));
});
afterAll(() => rm(dir, { recursive: true }));

describe('the command line', () => {
  test('--help names every command; --version is one number', async () => {
    const help = await runCli(['--help']);
    expect(help.code).toBe(0);
    // A bare call asks what there is.
    expect(await runCli([])).toMatchObject({ code: 0, stdout: help.stdout, stderr: '' });
    for (const name of [
      'init',
      'completion',
      'setup',
      'doctor',
      'train',
      'tune',
      'split',
      'embed',
      'evaluate',
      'predict',
      'export',
      'cache',
    ]) {
      expect(help.stdout).toContain(`sam-native ${name}`);
    }
    expect((await runCli(['--version'])).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
    expect((await runCli(['-v'])).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  });

  test.each([
    'init',
    'completion',
    'setup',
    'doctor',
    'train',
    'tune',
    'split',
    'embed',
    'evaluate',
    'predict',
    'export',
    'cache',
  ])('%s --help describes every option', async (name) => {
    const help = await runCli([name, '--help']);
    expect(help).toMatchObject({ code: 0, stderr: '' });
    expect(help.stdout).toContain('--json');
    // An option without a description is a name with its type right behind it.
    expect(help.stdout).not.toMatch(/^ {2}--[a-z-]+ +\[/m);
  });

  test('train --help says defaults and choices', async () => {
    const { stdout } = await runCli(['train', '--help']);
    for (const text of ['[default: 0.00002]', '[default: 50]', '"cosine"', 'sample:rivers'])
      expect(stdout).toContain(text);
  });

  test.each([
    [['--verbose'], 'which command?'],
    [['trian'], 'did you mean train?'],
    [['innit'], 'did you mean init?'],
    [['info'], 'did you mean doctor?'],
    [['finetune', '--data', 'x'], 'unknown command finetune — did you mean train?'],
    [['help', 'train'], 'did you mean --help?'],
    [['qwertyuiop'], 'unknown command qwertyuiop — see --help'],
    [['train', '-model', 'x'], 'unknown option -model — did you mean --model?'],
    [['train', '-x', 'y'], 'unknown option -x — see --help'],
    [['train', '-d'], 'no value given for -d'],
    [['train', '-c', 'nowhere.yaml'], 'no such file: nowhere.yaml'],
    [['train', '--data', 'x', '--epohcs', '3'], 'unknown option --epohcs — did you mean --epochs?'],
    [['train', '--data=x', '--batchsize=3'], 'did you mean --batch-size?'],
    [['train', '--data', 'x', '--no-cahce'], 'did you mean --cache?'],
    [['train', '--data'], 'no value given for --data'],
    [['train', '--data', 'x', '--epochs', 'many'], '--epochs "many": expected a number'],
    [['train', '--data', 'x', '--epochs', '0'], '--epochs 0: expected at least 1'],
    [['train', '--data', 'x', '--epochs', '1.5'], '--epochs 1.5: expected a whole number'],
    [['train', '--data', 'x', '--lr', '0'], '--lr 0: expected more than 0'],
    [['train', '--data', 'x', '--model='], '--model "": expected some text'],
    [['cache', 'foo'], 'error: "foo" — expected one of ls, gc'],
    [['predict'], 'predict needs <input..>'],
    [['push', 'runs/first'], 'push needs <run> <to>'],
    [['train', '--data', 'x', '--schedule', 'cosinus'], '--schedule "cosinus" — expected one of constant, linear'],
    [['train', '--data', 'x', 'stray'], 'stray is not expected here'],
    [['train'], '--data is missing'],
    [['train', '--config', 'nowhere.yaml'], 'no such file: nowhere.yaml'],
  ])('%j is refused in one line: %s', async (args, message) => {
    const { code, stdout, stderr } = await runCli(args, { cwd: dir });
    expect(code).toBe(2);
    expect(stdout).toBe('');
    expect(stderr).toMatch(/^error: [^\n]+\n$/);
    expect(stderr).toContain(message);
  });

  test('a failed --json call prints its error as one object', async () => {
    const wrongFlag = await runCli(['train', '--json', '--data', 'x', '--epohcs', '3']);
    expect(wrongFlag.json()).toEqual({
      error: { code: 'SAM_BAD_OPTION', message: 'unknown option --epohcs', fix: 'did you mean --epochs?' },
    });
    const noRun = await runCli(['train', '--json', '--resume', join(dir, 'none')]);
    expect(noRun).toMatchObject({ code: 2 });
    expect(noRun.json()).toMatchObject({ error: { code: 'SAM_NOT_FOUND', fix: expect.any(String) } });
  });

  test('a flag given twice: the last one counts', async () => {
    const { stderr } = await runCli([
      'train',
      '--data',
      'x',
      '--epochs',
      '2',
      '--epochs',
      '1',
      '--batch-size',
      '3',
      '--batch-size',
      '-1',
    ]);
    expect(stderr).toContain('--batch-size -1:');
    const fine = await runCli([
      'train',
      '--json',
      '--data',
      join(dir, 'none'),
      '--epochs',
      '-1',
      '--epochs',
      '1',
      '--device',
      'cuda:77',
    ]);
    expect(fine.stderr).not.toContain('--epochs');
  });

  test('options of a config file are checked like flags, and flags go before them', async () => {
    const config = join(dir, 'config.yaml');
    await writeFile(config, 'resume: from-file\nbatch-size: 0\n');
    expect((await runCli(['train', '--config', config])).stderr).toContain('--batch-size 0');
    await writeFile(config, 'resume: from-file\nbatchSize: 2\n');
    expect((await runCli(['train', '--config', config], { cwd: dir })).stderr).toContain(join(dir, 'from-file'));
    const flag = await runCli(['train', '--config', config, '--resume', 'from-flag'], { cwd: dir });
    expect(flag.stderr).toContain(join(dir, 'from-flag'));
    await writeFile(config, 'epohcs: 3\n');
    expect(await runCli(['train', '--config', config])).toMatchObject({
      code: 2,
      stderr: `error: ${config}: unknown option epohcs — did you mean epochs?\n`,
    });
    await writeFile(config, '- a\n- list\n');
    expect((await runCli(['train', '--config', config])).stderr).toContain('holds no options');
  });
});
