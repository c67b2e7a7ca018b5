/**
 * Builder of an ONNX graph: nodes with the shapes of what they give, constants whose values are read when the file is written.
 * Operators: https://onnx.ai/onnx/operators, opset 17.
 */
import { toHalves } from './half.js';
import { broadcast, type Dim, type ElementType, sizeOf, type Value } from './value.js';
import type { Weight } from './weights.js';

/** Attribute of a node. Whole numbers are ints, `{ float }` is a float. */
export type Attribute = number | readonly number[] | string | { float: number };

export interface Node {
  readonly operator: string;
  /** Names of the inputs; an empty one is left out. */
  readonly inputs: readonly string[];
  readonly outputs: readonly Value[];
  readonly attributes: Readonly<Record<string, Attribute>>;
}

/** Constant of a graph. */
export interface Initializer {
  readonly value: Value;
  /** Bytes of all its numbers. */
  readonly bytes: number;
  read(): Promise<Uint8Array>;
}

/** Numbers of a graph: all in fp32, all in fp16, or fp32 with the products of linear layers in dynamic int8. */
export type Variant = 'fp32' | 'fp16' | 'int8';

const BYTES = { float: 4, float16: 2, int64: 8, int32: 4, int8: 1, uint8: 1, bool: 1 } as const;

export class Graph {
  readonly inputs: Value[] = [];
  readonly outputs: Value[] = [];
  readonly nodes: Node[] = [];
  readonly initializers: Initializer[] = [];
  readonly #named = new Map<string, number>();
  readonly #constants = new Map<string, Value>();

  constructor(
    readonly name: string,
    readonly variant: Variant = 'fp32',
  ) {}

  /** Type that the network computes in. Inputs and outputs of the graph are fp32 all the same: {@link work}, {@link output}. */
  get float(): ElementType {
    return this.variant === 'fp16' ? 'float16' : 'float';
  }

  input(name: string, shape: readonly Dim[], type: ElementType = 'float'): Value {
    const value = { name, type, shape };
    this.inputs.push(value);
    return value;
  }

  /** Makes a value an output, under this name; in fp32 if it is of floats. */
  output(value: Value, name: string): void {
    const type = value.type === 'float16' ? 'float' : value.type;
    const output = { name, type, shape: value.shape };
    const [operator, attributes]: [string, Record<string, Attribute>] =
      type === value.type ? ['Identity', {}] : ['Cast', { to: CAST[type] }];
    this.nodes.push({ operator, inputs: [value.name], outputs: [output], attributes });
    this.outputs.push(output);
  }

  /** Adds a node of one output. */
  node(
    operator: string,
    inputs: readonly (Value | undefined)[],
    output: { shape: readonly Dim[]; type?: ElementType },
    attributes: Readonly<Record<string, Attribute>> = {},
  ): Value {
    return this.nodeOf(operator, inputs, [output], attributes)[0]!;
  }

  /** Adds a node of several outputs. An output is of the first input's type if none is said. */
  nodeOf(
    operator: string,
    inputs: readonly (Value | undefined)[],
    outputs: readonly { shape: readonly Dim[]; type?: ElementType }[],
    attributes: Readonly<Record<string, Attribute>> = {},
  ): Value[] {
    const values = outputs.map(({ shape, type = inputs[0]?.type ?? this.float }) => ({
      name: this.#newName(operator),
      type,
      shape,
    }));
    const names = inputs.map((input) => input?.name ?? '');
    while (names.at(-1) === '') names.pop();
    this.nodes.push({ operator, inputs: names, outputs: values, attributes });
    return values;
  }

  /** Adds a weight, in the type that the network computes in; `type` 'float' keeps fp32. */
  weight(name: string, weight: Weight, type: ElementType = this.float): Value {
    const value = { name: this.#newName(name), type, shape: weight.shape };
    const read = async () => bytesOf(type === 'float16' ? toHalves(await weight.read()) : await weight.read());
    this.#add(value, read);
    return value;
  }

  /** Adds a tensor of bytes, int8 or uint8. `values` is asked for when the file is written. */
  bytes(
    name: string,
    type: 'int8' | 'uint8',
    shape: readonly number[],
    values: () => Promise<Int8Array | Uint8Array>,
  ): Value {
    const value = { name: this.#newName(name), type, shape };
    this.#add(value, async () => bytesOf(await values()));
    return value;
  }

  /** Returns a constant of floats, in the type that the network computes in unless another is said. */
  floats(values: readonly number[], shape: readonly number[] = [], type: ElementType = this.float): Value {
    const array = new Float32Array(values);
    return this.#constant(values, shape, type, () => bytesOf(type === 'float16' ? toHalves(array) : array));
  }

  /** Returns a constant of whole numbers; a list of them, if no shape is said. */
  ints(values: readonly number[], shape: readonly number[] = [values.length]): Value {
    return this.#constant(values, shape, 'int64', () => bytesOf(BigInt64Array.from(values, BigInt)));
  }

  /** Brings a value into the type that the network computes in. */
  work(value: Value): Value {
    return this.cast(value, this.float);
  }

  cast(value: Value, type: ElementType): Value {
    if (value.type === type) return value;
    return this.node('Cast', [value], { shape: value.shape, type }, { to: CAST[type] });
  }

  add = (a: Value, b: Value): Value => this.#elementwise('Add', a, b);
  sub = (a: Value, b: Value): Value => this.#elementwise('Sub', a, b);
  mul = (a: Value, b: Value): Value => this.#elementwise('Mul', a, b);
  div = (a: Value, b: Value): Value => this.#elementwise('Div', a, b);

  /** Adds an operator of one input that keeps its shape: `Relu`, `Erf`, `Sin`, `Sqrt` … */
  unary(operator: string, x: Value): Value {
    return this.node(operator, [x], { shape: x.shape });
  }

  matmul(a: Value, b: Value): Value {
    const [m, k] = a.shape.slice(-2);
    const [l, n] = b.shape.slice(-2);
    if (k !== l) throw new Error(`no product of [${a.shape}] and [${b.shape}]`);
    return this.node('MatMul', [a, b], { shape: [...broadcast(a.shape.slice(0, -2), b.shape.slice(0, -2)), m!, n!] });
  }

  softmax(x: Value, axis = -1): Value {
    return this.node('Softmax', [x], { shape: x.shape }, { axis });
  }

  transpose(x: Value, perm: readonly number[]): Value {
    return this.node('Transpose', [x], { shape: perm.map((axis) => x.shape[axis]!) }, { perm });
  }

  /**
   * Reshapes. At most one dimension may be only known when the graph runs, or one that stands where it stood: `[num_prompts, 7,
   * 256]` may become `[num_prompts, 7, 8, 32]`.
   */
  reshape(x: Value, shape: readonly Dim[]): Value {
    let open = 0;
    const target = shape.map((dim, i) => {
      if (typeof dim === 'number') return dim;
      if (x.shape[i] === dim) return 0; // as it was
      open += 1;
      return -1;
    });
    if (open > 1) throw new Error(`cannot tell how [${x.shape}] becomes [${shape}]`);
    return this.node('Reshape', [x, this.ints(target)], { shape });
  }

  /** Reshapes to sizes of which several are only known when the graph runs: those are values of one whole number each. */
  reshapeBy(x: Value, sizes: readonly (number | Value)[], shape: readonly Dim[]): Value {
    return this.node('Reshape', [x, this.#sizes(sizes)], { shape });
  }

  /** Repeats a value along the axes that are 1. Sizes as of {@link reshapeBy}. */
  expandBy(x: Value, sizes: readonly (number | Value)[], shape: readonly Dim[]): Value {
    return this.node('Expand', [x, this.#sizes(sizes)], { shape });
  }

  /** Returns the size of an axis as the graph runs: a list of one whole number. */
  size(x: Value, axis: number): Value {
    return this.node('Shape', [x], { shape: [1], type: 'int64' }, { start: axis, end: axis + 1 });
  }

  /** Takes a part of an axis, from `start` to before `end`, which may be negative or Infinity if `size` says what is left. */
  slice(x: Value, axis: number, start: number, end: number, size: Dim = end - start): Value {
    const last = end === Number.POSITIVE_INFINITY ? Number.MAX_SAFE_INTEGER : end;
    const at = axis < 0 ? axis + x.shape.length : axis;
    const inputs = [x, this.ints([start]), this.ints([last]), this.ints([at])];
    return this.node('Slice', inputs, { shape: x.shape.map((dim, i) => (i === at ? size : dim)) });
  }

  /** Joins values along an axis. `size`: what it then is, where that is only known when the graph runs. */
  concat(values: readonly Value[], axis: number, size?: Dim): Value {
    const at = axis < 0 ? axis + values[0]!.shape.length : axis;
    const total = size ?? sizeOfAll(values.map(({ shape }) => shape[at]!));
    return this.node('Concat', values, { shape: values[0]!.shape.map((dim, i) => (i === at ? total : dim)) }, { axis });
  }

  unsqueeze(x: Value, axis: number): Value {
    const at = axis < 0 ? axis + x.shape.length + 1 : axis;
    return this.node('Unsqueeze', [x, this.ints([at])], { shape: x.shape.toSpliced(at, 0, 1) });
  }

  squeeze(x: Value, axis: number): Value {
    const at = axis < 0 ? axis + x.shape.length : axis;
    return this.node('Squeeze', [x, this.ints([at])], { shape: x.shape.toSpliced(at, 1) });
  }

  /** Takes the elements of an axis that `indices` names. */
  gather(x: Value, indices: Value, axis = 0): Value {
    const at = axis < 0 ? axis + x.shape.length : axis;
    return this.node('Gather', [x, indices], { shape: x.shape.toSpliced(at, 1, ...indices.shape) }, { axis: at });
  }

  /** Cuts an axis into parts of these sizes. */
  split(x: Value, axis: number, sizes: readonly number[]): Value[] {
    const at = axis < 0 ? axis + x.shape.length : axis;
    const outputs = sizes.map((size) => ({ shape: x.shape.map((dim, i) => (i === at ? size : dim)) }));
    return this.nodeOf('Split', [x, this.ints(sizes)], outputs, { axis: at });
  }

  #sizes(sizes: readonly (number | Value)[]): Value {
    const values = sizes.map((size) => (typeof size === 'number' ? this.ints([size]) : size));
    return this.concat(values, 0);
  }

  #elementwise(operator: string, a: Value, b: Value): Value {
    if (a.type !== b.type) throw new Error(`${operator} of ${a.type} ${a.name} and ${b.type} ${b.name}`);
    return this.node(operator, [a, b], { shape: broadcast(a.shape, b.shape) });
  }

  #constant(values: readonly number[], shape: readonly number[], type: ElementType, make: () => Uint8Array): Value {
    const key = `${type} [${shape}] ${values}`;
    const known = this.#constants.get(key);
    if (known !== undefined) return known;
    const value = { name: this.#newName('constant'), type, shape };
    this.#constants.set(key, value);
    this.#add(value, async () => make());
    return value;
  }

  #add(value: Value, read: () => Promise<Uint8Array>): void {
    this.initializers.push({ value, bytes: sizeOf(value.shape) * BYTES[value.type], read });
  }

  #newName(base: string): string {
    const count = this.#named.get(base) ?? 0;
    this.#named.set(base, count + 1);
    return count === 0 ? base : `${base}_${count}`;
  }
}

/** ONNX's numbers of the types, for `Cast`. */
export const CAST = { float: 1, uint8: 2, int8: 3, int32: 6, int64: 7, bool: 9, float16: 10 } as const;

function sizeOfAll(dims: readonly Dim[]): number {
  return dims.reduce<number>((sum, dim) => sum + sizeOf([dim]), 0);
}

function bytesOf({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array {
  return new Uint8Array(buffer as ArrayBuffer, byteOffset, byteLength);
}
