/** A Node.js that is too old is told so in a line, whatever the package needs; scripts/check-nodes.mjs shows it with a real one. */
import { execFile } from 'node:child_process';
import { resolve } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { isSupportedNode } from '../../lib/core/node-version.js';
import { compile } from './run-cli.js';

beforeAll(compile, 60_000);

/** What the command line says and ends with where Node's version is another. */
function called(version: string, ...args: string[]): Promise<unknown[]> {
  const pretend = `Object.defineProperty(process.versions, 'node', { value: '${version}' })`;
  const call = [
    '--import',
    `data:text/javascript,${encodeURIComponent(pretend)}`,
    resolve('dist/cli/main.js'),
    ...args,
  ];
  return new Promise((done) => {
    execFile(process.execPath, call, (error, stdout, stderr) => done([error?.code ?? 0, stdout, stderr]));
  });
}

test('one line, exit code 2, and the error as JSON where asked for', async () => {
  const line = 'error: Node 18.20.8 is too old for sam-native — install Node 20.19 or newer\n';
  expect(await called('18.20.8', 'train')).toEqual([2, '', line]);
  const [code, stdout, stderr] = await called('18.20.8', 'train', '--json');
  expect([code, stderr]).toEqual([2, line]);
  expect(JSON.parse(String(stdout))).toEqual({
    error: {
      code: 'SAM_OLD_NODE',
      message: 'Node 18.20.8 is too old for sam-native',
      fix: 'install Node 20.19 or newer',
    },
  });
  expect(await called('20.19.0', '--version')).toEqual([0, expect.stringMatching(/^\d/), '']);
});

test.each([
  ['18.20.8', false],
  ['20.18.3', false],
  ['20.19.0', true],
  ['21.0.0', true],
  ['24.9.0', true],
  ['100.0.0', true],
])('%s: %s', (version, expected) => expect(isSupportedNode(version)).toBe(expected));
