import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, test } from 'vitest';
import { Thread } from '../../lib/core/thread.js';
import { temporaryFolder } from '../data/pictures.js';

/** Doubles numbers after a wait, throws at 0, never answers a negative one. */
const SCRIPT = `import { parentPort } from 'node:worker_threads';
parentPort.on('message', (numbers) => {
  if (numbers[0] === 0) throw new Error('zero');
  if (numbers[0] > 0) parentPort.postMessage(numbers.map((number) => 2 * number));
});`;

const here = (numbers: Uint8Array) => numbers.map((number) => 2 * number + 1);

async function doubling(): Promise<Thread<Int8Array, Int8Array>> {
  const script = join(await temporaryFolder(), 'double.mjs');
  await writeFile(script, SCRIPT);
  return new Thread(pathToFileURL(script), (numbers) => numbers, 'the doubling thread');
}

test('answers come in the order of the requests, whose arrays are handed over', async () => {
  const thread = await doubling();
  const numbers = Int8Array.of(3, 4);
  const answers = await Promise.all([thread.ask(numbers, [numbers]), thread.ask(Int8Array.of(5))]);
  expect(answers).toEqual([Int8Array.of(6, 8), Int8Array.of(10)]);
  expect(numbers.length).toBe(0);
  await thread.stop();
});

test('what the thread throws fails the requests in flight; the next one starts it anew', async () => {
  const thread = await doubling();
  await expect(thread.ask(Int8Array.of(0))).rejects.toThrow('zero');
  expect(await thread.ask(Int8Array.of(7))).toEqual(Int8Array.of(14));
  const unanswered = thread.ask(Int8Array.of(-1));
  const failed = expect(unanswered).rejects.toThrow('the doubling thread ended with code 1');
  await thread.stop();
  await failed;
});

test('where there is no script the work is done here', async () => {
  const thread = new Thread(pathToFileURL(join(await temporaryFolder(), 'none.js')), here, 'no thread');
  expect(await thread.ask(Uint8Array.of(4))).toEqual(Uint8Array.of(9));
  await thread.stop();
});
