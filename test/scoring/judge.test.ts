/** A judge whose model only pretends: in which order it asks, what it does meanwhile, and that it frees what it held. */
import { rm } from 'node:fs/promises';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { Embeddings } from '../../binding.js';
import type { Sample } from '../../lib/data/sample.js';
import type { ResolvedModel } from '../../lib/models/model.js';
import { promptOptionsFor } from '../../lib/models/prompt-options.js';
import { SamModel } from '../../lib/prediction/sam-model.js';
import { answered } from '../../lib/scoring/judge.js';
import { temporaryFolder, writeSamples } from '../training/fake.js';

let dir: string;
let samples: Sample[];
let told: string[];
beforeEach(async () => {
  dir = await temporaryFolder();
  samples = await writeSamples(dir, ['a', 'b', 'c']);
  told = [];
  const model = {
    predict: async (_: unknown, { points }: { points: [number, number][] }) => {
      told.push(`ask ${points[0]}`);
      return { mask: new Uint8Array(16 * 12), score: points[0]![0] };
    },
    dispose: () => told.push('model gone'),
  };
  vi.spyOn(SamModel, 'fromResolved').mockResolvedValue(model as unknown as SamModel);
});
afterEach(async () => {
  vi.restoreAllMocks();
  await rm(dir, { recursive: true, force: true });
});

const prompts = promptOptionsFor({}, undefined);
const at = (x: number, y: number) => ({
  prompts,
  prompt: { points: [[x, y] as const], labels: [1 as const], box: null },
});

/** Two questions about each of some samples. */
function ask(about: readonly Sample[], signal?: AbortSignal) {
  const read = async ([sample]: readonly Sample[]) =>
    ({ dispose: () => told.push(`${sample!.name} gone`) }) as unknown as Embeddings;
  const witness = {
    model: {} as ResolvedModel,
    compute: { device: 'cpu', precision: 'fp32' } as const,
    store: { read },
    imageSize: undefined,
  };
  const questions = ({ sample }: { sample: Sample }) => [0, 1].map((y) => at(samples.indexOf(sample), y));
  return answered(about, witness, questions, { signal });
}

test('the next question is asked before an answer is handed over, and every answer is', async () => {
  for await (const { sample, question, predicted } of ask(samples.slice(0, 2))) {
    told.push(`take ${question.prompt?.points[0]}`);
    expect(predicted.score).toBe(samples.indexOf(sample));
  }
  expect(told).toEqual(
    ['ask 0,0', 'ask 0,1', 'take 0,0', 'a gone', 'ask 1,0', 'take 0,1', 'ask 1,1', 'take 1,0'].concat(
      ['b gone', 'take 1,1', 'model gone'], //
    ),
  );
});

test('samples are asked about as they lie in their source', async () => {
  const scattered = samples.map((sample, place) => ({ ...sample, position: [2, 0, 1][place]! }));
  const order: string[] = [];
  for await (const { sample } of ask(scattered)) order.push(sample.name);
  expect(order).toEqual(['b', 'b', 'c', 'c', 'a', 'a']);
});

test('whoever takes no more answers leaves nothing behind; nor does an abort', async () => {
  for await (const _ of ask(samples)) break;
  expect(told.slice(-2)).toEqual(['a gone', 'model gone']);
  const abort = new AbortController();
  const all = async () => {
    for await (const _ of ask(samples, abort.signal)) abort.abort(new Error('enough'));
  };
  await expect(all()).rejects.toThrow('enough');
  expect(told.at(-1)).toBe('model gone');
});
