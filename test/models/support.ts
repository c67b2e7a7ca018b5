/** Small files for tests: safetensors with one number a tensor, pictures, and an addon that only pretends. */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import sharp from 'sharp';
import type { EmbeddingCache, Embeddings, Encoding, ImageEncoder, NativeBinding, WeightsInfo } from '../../binding.js';
import type { Sample } from '../../lib/data/sample.js';
import { readSafetensorsHeader } from '../../lib/runs/safetensors-header.js';

/** A whole safetensors file: every tensor one fp32. */
export async function writeSafetensors(
  path: string,
  names: readonly string[],
  metadata: Record<string, string> = {},
): Promise<void> {
  const entries = names.map(
    (name, i) => [name, { dtype: 'F32', shape: [1], data_offsets: [i * 4, i * 4 + 4] }] as const,
  );
  const header = Buffer.from(JSON.stringify({ __metadata__: metadata, ...Object.fromEntries(entries) }));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(header.length));
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, Buffer.concat([length, header, Buffer.alloc(names.length * 4)]));
}

/** Names that a file of MobileSAM's weights has, one of each part. */
export const MOBILE_SAM_NAMES = [
  'image_encoder.patch_embed.seq.0.c.weight',
  'mask_decoder.iou_token.weight',
  'prompt_encoder.no_mask_embed.weight',
];

/** A picture of one colour; different colours are different content. */
export async function writePicture(path: string, colour: number, size = 16): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const background = { r: colour, g: 255 - colour, b: 40 };
  await sharp({ create: { width: size, height: size, channels: 3, background } })
    .png()
    .toFile(path);
}

export async function pictures(folder: string, count: number): Promise<Sample[]> {
  const samples: Sample[] = [];
  for (let i = 0; i < count; i++) {
    const path = join(folder, `picture${i}.png`);
    await writePicture(path, i * 20);
    samples.push({ name: `picture${i}`, image: { path } });
  }
  return samples;
}

/** What the pretended addon was asked to do, in order. */
export type Calls = string[];

/** Embeddings that hold one number: the red of the picture's first pixel. */
class FakeEmbeddings implements Embeddings {
  disposed = false;
  constructor(readonly values: readonly number[]) {}
  get count(): number {
    return this.values.length;
  }
  toFloat32Array(): Float32Array {
    return Float32Array.from(this.values);
  }
  dispose(): void {
    this.disposed = true;
  }
  [Symbol.dispose](): void {
    this.dispose();
  }
}

class FakeCache implements EmbeddingCache {
  readonly stored = new Map<string, number>();
  /** The next read finds these damaged. */
  damaged: string[] = [];
  constructor(
    readonly directory: string,
    readonly calls: Calls,
  ) {}
  get size(): number {
    return this.stored.size;
  }
  has(key: string): boolean {
    return this.stored.has(key);
  }
  async read(keys: string[]): Promise<Embeddings> {
    const damaged = keys.filter((key) => this.damaged.includes(key));
    if (damaged.length > 0) {
      for (const key of damaged) this.stored.delete(key);
      this.damaged = [];
      throw Object.assign(new Error('checksum'), { code: 'SAM_CACHE_DAMAGED', keys: damaged });
    }
    return new FakeEmbeddings(keys.map((key) => this.stored.get(key)!));
  }
  async write(key: string, embeddings: Embeddings): Promise<void> {
    this.stored.set(key, embeddings.toFloat32Array()[0]!);
  }
  async flush(): Promise<void> {
    this.calls.push('flush');
    await writeSafetensors(join(this.directory, 'shard.safetensors'), [...this.stored.keys()]);
  }
  async export({ path, names }: { path: string; names: string[] }): Promise<void> {
    await writeSafetensors(path, names);
  }
  dispose(): void {
    this.calls.push('dispose cache');
  }
  [Symbol.dispose](): void {
    this.dispose();
  }
}

/** An addon whose encoder takes three slices and whose conversions copy bytes. */
export function fakeNative(calls: Calls, slice: () => void = () => {}) {
  const caches: FakeCache[] = [];
  let alive = 0;
  const encoder: ImageEncoder = {
    async begin({ pixels, toHost }): Promise<Encoding> {
      alive++;
      if (toHost === true) calls.push('to host');
      let slices = 0;
      calls.push(`begin ${pixels[0]}`);
      return {
        async advance() {
          slice();
          return ++slices === 3;
        },
        embeddings: () => new FakeEmbeddings([pixels[0]!]),
        dispose: () => void alive--,
        [Symbol.dispose]: () => void alive--,
      };
    },
    dispose: () => calls.push('dispose encoder'),
    [Symbol.dispose]: () => calls.push('dispose encoder'),
  };
  const binding = {
    async inspectWeights({ path }: { path: string }): Promise<WeightsInfo> {
      const names = Object.keys((await readSafetensorsHeader(path)).tensors);
      const has = (part: string) => names.some((name) => name.startsWith(part));
      if (!['image_encoder.', 'prompt_encoder.', 'mask_decoder.'].some(has)) {
        throw Object.assign(new Error(`${path} holds nothing of SAM`), { code: 'SAM_BAD_CHECKPOINT' });
      }
      const tiny = has('image_encoder.patch_embed.seq.');
      const encoder = tiny ? 'TinyViT' : has('image_encoder.') ? 'ViT-B' : null;
      return {
        names: 'meta',
        promptEncoder: has('prompt_encoder.'),
        maskDecoder: has('mask_decoder.'),
        encoder,
        buildable: encoder !== null,
      };
    },
    async convertWeights({ weights, decoder, output }: { weights: string; decoder?: string; output: string }) {
      calls.push(decoder === undefined ? 'convert a pickle' : 'convert ONNX');
      const from = decoder === undefined ? await readFile(weights, 'utf8') : 'package';
      await writeSafetensors(output, MOBILE_SAM_NAMES, { from });
    },
    async exportModel({ output }: { output: string }) {
      calls.push('exportModel');
      await writeFile(output, 'torchscript');
    },
    async loadEncoder() {
      calls.push('loadEncoder');
      return encoder;
    },
    async openCache({ directory }: { directory: string }) {
      const cache = new FakeCache(directory, calls);
      caches.push(cache);
      return cache;
    },
  };
  return { binding: binding as unknown as NativeBinding, caches, encodingsAlive: () => alive };
}
