import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Embeddings } from '../../binding.js';
import type { Sample } from '../../lib/data/sample.js';
import { type EncodeOptions, encodeImages } from '../../lib/embeddings/encode.js';
import { type Calls, fakeNative, pictures } from '../models/support.js';

let folder: string;
let samples: Sample[];
let calls: Calls;
let addon: ReturnType<typeof fakeNative>;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sam-encode-'));
  samples = await pictures(folder, 5);
  calls = [];
  addon = fakeNative(calls);
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function run(options: Partial<EncodeOptions>): Promise<void> {
  const encoder = await addon.binding.loadEncoder({ path: 'encoder.pt', device: 'cpu', precision: 'fp32' });
  await encodeImages({ encoder, device: 'cpu', samples, onEmbedding: async () => {}, onBad: () => true, ...options });
}

/** Resolves when the encoder was given this many images; fails the test if it never is. */
async function begun(count: number): Promise<void> {
  const begins = () => calls.filter((call) => call.startsWith('begin')).length;
  while (begins() < count) await new Promise((resolve) => setTimeout(resolve, 1));
}

describe('encodeImages', () => {
  test('goes on encoding while an embedding is stored, but never stores two at once, and keeps their order', async () => {
    const stored: string[] = [];
    let storing = 0;
    await run({
      async onEmbedding(sample) {
        expect(++storing).toBe(1);
        // The first is stored only when the fourth image is ready: the second has left the queue for the encoder meanwhile.
        if (stored.length === 0) await begun(4);
        storing--;
        stored.push(sample.name);
      },
    });
    expect(stored).toEqual(samples.map(({ name }) => name));
    expect(addon.encodingsAlive()).toBe(0);
  });

  test('more pictures are made ready for a GPU, and their embeddings come to the processor', async () => {
    samples = await pictures(folder, 9);
    for (const [device, ahead] of [
      ['cpu', 2],
      ['cuda:0', 6],
    ] as const) {
      calls = [];
      addon = fakeNative(calls);
      const begunAtFirst: number[] = [];
      await run({
        device,
        async onEmbedding() {
          if (begunAtFirst.length > 0) return;
          await new Promise((resolve) => setTimeout(resolve, 100));
          begunAtFirst.push(calls.filter((call) => call.startsWith('begin')).length);
        },
      });
      // Stored the first, encoded the second: those ahead besides.
      expect(begunAtFirst[0]).toBe(2 + ahead);
      expect(calls).toContain('to host');
    }
  });

  test('a failure of storing ends it, with every embedding and encoding freed', async () => {
    const seen: Embeddings[] = [];
    const failing = run({
      async onEmbedding(_, embeddings) {
        seen.push(embeddings);
        throw new Error('the disk is full');
      },
    });
    await expect(failing).rejects.toThrow('the disk is full');
    expect(seen).toHaveLength(1);
    expect(seen.every((embeddings) => (embeddings as Embeddings & { disposed: boolean }).disposed)).toBe(true);
    expect(addon.encodingsAlive()).toBe(0);
  });

  test('what was encoded before a bad picture is stored before it ends', async () => {
    await writeFile(samples[2]!.image.path, 'no picture');
    const stored: string[] = [];
    const onEmbedding = async ({ name }: Sample) => {
      await new Promise((resolve) => setTimeout(resolve, 20));
      stored.push(name);
    };
    await run({ onEmbedding, onBad: () => false });
    expect(stored).toEqual(['picture0', 'picture1']);
    expect(addon.encodingsAlive()).toBe(0);
  });
});
