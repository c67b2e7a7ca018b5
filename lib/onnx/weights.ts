/** Weights that a graph takes: tensors of a safetensors file in fp32, read when they are wanted. */
import { type FileHandle, open } from 'node:fs/promises';
import { SamError } from '../core/errors.js';
import { readSafetensorsHeader, type TensorInfo } from '../runs/safetensors-header.js';

/** Tensor of a graph's weights: its shape, and its values when they are wanted. */
export interface Weight {
  readonly shape: readonly number[];
  read(): Promise<Float32Array>;
}

/** Weights by name. */
export class Weights {
  readonly #path: string;
  readonly #file: FileHandle;
  readonly #tensors: Record<string, TensorInfo>;

  private constructor(path: string, file: FileHandle, tensors: Record<string, TensorInfo>) {
    this.#path = path;
    this.#file = file;
    this.#tensors = tensors;
  }

  /** Opens a file; `close` it. @throws SamError what reading its header throws. */
  static async open(path: string): Promise<Weights> {
    const { tensors } = await readSafetensorsHeader(path);
    return new Weights(path, await open(path), tensors);
  }

  has(name: string): boolean {
    return Object.hasOwn(this.#tensors, name);
  }

  /** Names of the tensors. */
  names(): string[] {
    return Object.keys(this.#tensors);
  }

  /** Returns a tensor. @throws SamError `SAM_BAD_CHECKPOINT`: it is missing, or not fp32. */
  take(name: string): Weight {
    const tensor = this.has(name) ? this.#tensors[name] : undefined;
    if (tensor?.dtype !== 'F32') {
      const what = tensor === undefined ? 'is missing' : `is ${tensor.dtype}, not F32`;
      throw new SamError('SAM_BAD_CHECKPOINT', `${this.#path}: tensor ${name} ${what}`);
    }
    return { shape: tensor.shape, read: () => this.#read(tensor) };
  }

  async close(): Promise<void> {
    await this.#file.close();
  }

  async #read({ offset, bytes }: TensorInfo): Promise<Float32Array> {
    const values = new Float32Array(bytes / 4);
    const view = new Uint8Array(values.buffer);
    for (let done = 0; done < bytes; ) {
      const { bytesRead } = await this.#file.read(view, done, Math.min(bytes - done, 1 << 30), offset + done);
      if (bytesRead === 0) throw new SamError('SAM_IO', `${this.#path} became shorter while it was read`);
      done += bytesRead;
    }
    return values;
  }
}

/** Returns a matrix (rows x columns) the other way round. */
export function transposed({ shape: [rows, columns], read }: Weight): Weight {
  if (rows === undefined || columns === undefined) throw new Error('no matrix');
  return {
    shape: [columns, rows],
    async read() {
      const from = await read();
      const to = new Float32Array(from.length);
      for (let i = 0; i < rows; i++) for (let j = 0; j < columns; j++) to[j * rows + i] = from[i * columns + j]!;
      return to;
    },
  };
}

/** Returns the same values in another shape. */
export function reshaped(weight: Weight, shape: readonly number[]): Weight {
  return { shape, read: weight.read };
}

/** Puts weights of one width below each other: the rows of all of them. */
export function stacked(weights: readonly Weight[]): Weight {
  const rows = weights.reduce((sum, { shape }) => sum + shape[0]!, 0);
  return {
    shape: [rows, ...weights[0]!.shape.slice(1)],
    async read() {
      const parts = await Promise.all(weights.map((weight) => weight.read()));
      const all = new Float32Array(parts.reduce((sum, { length }) => sum + length, 0));
      let end = 0;
      for (const part of parts) {
        all.set(part, end);
        end += part.length;
      }
      return all;
    },
  };
}

/** Makes a weight of zeros. */
export function zeros(shape: readonly number[]): Weight {
  return { shape, read: async () => new Float32Array(shape.reduce((size, dim) => size * dim, 1)) };
}

/** Returns a weight with each part of its first axis scaled. */
export function scaledRows({ shape, read }: Weight, scale: (row: number) => number): Weight {
  return {
    shape,
    async read() {
      const values = await read();
      const length = values.length / shape[0]!;
      return values.map((value, i) => value * scale(Math.floor(i / length)));
    },
  };
}
