/** What goes between this process and the one with ONNX Runtime, by Node's own messages (`serialization: 'advanced'`). */

/** Tensor: its numbers, with the type as ONNX Runtime names it. */
export interface Tensor {
  readonly type: 'float32' | 'int64';
  readonly data: Float32Array | BigInt64Array;
  readonly dims: readonly number[];
}

export type Tensors = Readonly<Record<string, Tensor>>;

/** What the other process is asked: to open a file, under a number, or to run one that it opened, for these outputs. */
export type Request = { session: number } & ({ open: string } | { run: Tensors; outputs: readonly string[] });

/** What it answers: the outputs (none of opening), or what went wrong. One answer to a request, in their order. */
export type Answer = { outputs: Tensors } | { error: string };
