/** Completion as a shell asks for it: by the words, and through the script that bash reads. */
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { write } from '../data/pictures.js';
import { compile, runCli } from './run-cli.js';

let dir: string;
let script: string;
beforeAll(async () => {
  compile();
  dir = await mkdtemp(join(tmpdir(), 'sam-native-completion-'));
  await write(join(dir, 'runs', 'first', 'config.json'), '{}');
  await write(join(dir, 'runs', 'notes', 'a.txt'), '');
  await write(join(dir, 'photos.csv'), '');
  script = (await runCli(['completion'])).stdout;
});
afterAll(() => rm(dir, { recursive: true }));

async function wordsFor(...words: string[]): Promise<string[]> {
  const { code, stdout, stderr } = await runCli(['--get-yargs-completions', ...words], { cwd: dir });
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return stdout.split('\n').filter((line) => line !== '');
}

describe('words', () => {
  test('commands', async () => {
    expect(await wordsFor('')).toEqual(expect.arrayContaining(['train', 'init', 'completion', '--help']));
    expect(await wordsFor('tr')).toEqual(['train']);
    expect(await wordsFor('nothing', '')).toEqual([]);
  });
  test('options, each once, also off', async () => {
    expect(await wordsFor('train', '--batch')).toEqual(['--batch-size']);
    expect(await wordsFor('train', '--no-')).toEqual([
      '--no-cache',
      '--no-erode',
      '--no-dynamic-distance',
      '--no-report',
    ]);
    expect(await wordsFor('train', '--epochs', '3', '--epo')).toEqual([]);
    expect(await wordsFor('predict', '--')).toEqual(
      expect.arrayContaining(['--point', '--config', '--json', '--help']),
    );
    expect(await wordsFor('predict', '--epochs')).toEqual([]);
  });
  test('words that an option takes, by any of its names; after one without a value, nothing', async () => {
    expect(await wordsFor('train', '--schedule', '')).toEqual(['constant', 'linear', 'cosine', 'polynomial', 'step']);
    expect(await wordsFor('train', '--schedule', '=', 'co')).toEqual(['constant', 'cosine']);
    expect(await wordsFor('train', '--json', '')).toEqual([]);
    expect(await wordsFor('cache', '')).toEqual(['ls', 'gc']);
    expect(await wordsFor('cache', 'ls', '')).toEqual([]);
  });
  test('models: runs that are there, and names', async () => {
    for (const call of [['predict', '--model'], ['predict', '-m'], ['evaluate', '-m'], ['export']]) {
      expect(await wordsFor(...call, '')).toEqual(expect.arrayContaining(['runs/first', 'mobile-sam']));
      expect(await wordsFor(...call, 'runs/')).toEqual(['runs/first']);
    }
    for (const call of [['train', '--resume'], ['push'], ['push', '--dry-run']]) {
      expect(await wordsFor(...call, '')).toEqual(['runs/first']);
    }
    expect(await wordsFor('push', 'runs/first', '')).toEqual([]);
    expect(await wordsFor('export', '--to', 'onnx', '')).toEqual(expect.arrayContaining(['runs/first', 'mobile-sam']));
  });
  test('files are the shell’s', async () => {
    for (const call of [['train', '--data'], ['train', '-c'], ['predict', '--out'], ['predict']]) {
      expect(await wordsFor(...call, '')).toEqual([]);
    }
  });
});

describe('the script', () => {
  /** What bash offers for a line whose last word is unfinished. */
  async function offered(...words: string[]): Promise<string[]> {
    const ask = `
      source <(printf '%s' "$SCRIPT")
      COMP_WORDS=(sam-native "$@"); COMP_CWORD=$#
      $(complete -p sam-native | sed -E 's/.*-F ([^ ]+).*/\\1/')
      printf '%s\\n' "\${COMPREPLY[@]}"`;
    const env = { ...process.env, SCRIPT: script };
    const { stdout } = await promisify(execFile)('bash', ['-euc', ask, 'bash', ...words], { cwd: dir, env });
    return stdout.split('\n').filter((line) => line !== '');
  }

  test('completes in bash', async () => {
    expect(await offered('tr')).toEqual(['train']);
    expect(await offered('train', '--batch')).toEqual(['--batch-size']);
    expect(await offered('predict', 'a b.jpg', '--model', 'runs/')).toEqual(['runs/first']);
    expect(await offered('train', '--data', '')).toEqual([]);
  });

  test('leaves files to bash where nothing of ours fits', () => {
    expect(script).toMatch(/^complete -o bashdefault -o default -F _sam_native sam-native$/m);
  });

  test('--json gives it as text too', async () => {
    const { json } = await runCli(['completion', '--json']);
    expect(`${json<{ script: string }>().script}\n`).toBe(script);
  });
});
