/** Weights of the right names and shapes with random values, where no checkpoint is at hand: timing does not depend on values. */
import { open } from 'node:fs/promises';
import type { Shapes } from './architecture.js';

/** Values drawn; a tensor repeats them. */
const DRAWN = 2 ** 20;

/** Writes a safetensors file of fp32 tensors, such that each layer keeps the size of what it is given (denormal numbers would be slow). */
export async function writeRandomWeights(path: string, shapes: Shapes, signal?: AbortSignal): Promise<void> {
  const uniform = Float32Array.from({ length: DRAWN }, () => Math.random() * 2 - 1);
  const file = await open(path, 'wx');
  try {
    await file.write(header(shapes));
    for (const [name, shape] of Object.entries(shapes)) {
      const { centre, spread } = distribution(name, shape);
      const values = uniform.map((value) => centre + spread * value);
      for (let left = size(shape); left > 0; left -= DRAWN) {
        signal?.throwIfAborted();
        await file.write(new Uint8Array(values.buffer, 0, Math.min(left, DRAWN) * Float32Array.BYTES_PER_ELEMENT));
      }
    }
  } finally {
    await file.close();
  }
}

const size = (shape: readonly number[]) => shape.reduce((product, side) => product * side, 1);

function header(shapes: Shapes): Buffer {
  let end = 0;
  const entries = Object.entries(shapes).map(([name, shape]) => {
    const begin = end;
    end += size(shape) * Float32Array.BYTES_PER_ELEMENT;
    return [name, { dtype: 'F32', shape, data_offsets: [begin, end] }];
  });
  const json = Buffer.from(JSON.stringify(Object.fromEntries(entries)));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(json.length));
  return Buffer.concat([length, json]);
}

/** Uniform about `centre`: a weight's outputs have the deviation of its inputs. */
function distribution(name: string, shape: readonly number[]): { centre: number; spread: number } {
  if (name.includes('layer_norm'))
    return name.endsWith('weight') ? { centre: 1, spread: 0.25 } : { centre: 0, spread: 0.1 };
  if (name.endsWith('bias')) return { centre: 0, spread: 0.1 };
  if (/embed|token|rel_pos/.test(name) && !/conv|projection/.test(name)) return { centre: 0, spread: 1 };
  // A transposed convolution with stride 2 has its inputs first.
  const inputs = name.includes('upscale_conv') ? shape[0]! : size(shape) / shape[0]!;
  return { centre: 0, spread: Math.sqrt(3 / inputs) };
}
