/** Values of an ONNX graph: what flows between its nodes, with type and shape. */

/** Size of a dimension. A text names one that is only known when the graph runs, such as `num_points`. */
export type Dim = number | string;

export type ElementType = 'float' | 'float16' | 'int64' | 'int32' | 'int8' | 'uint8' | 'bool';

/** Value: the output of a node, an input of the graph, or a constant. */
export interface Value {
  readonly name: string;
  readonly type: ElementType;
  readonly shape: readonly Dim[];
}

/** Returns the shape of what two shapes give together, as ONNX and numpy broadcast. @throws Error: they do not fit. */
export function broadcast(a: readonly Dim[], b: readonly Dim[]): Dim[] {
  const rank = Math.max(a.length, b.length);
  return Array.from({ length: rank }, (_, i) => {
    const x = a[a.length - rank + i] ?? 1;
    const y = b[b.length - rank + i] ?? 1;
    if (x === 1) return y;
    if (y === 1 || x === y) return x;
    throw new Error(`shapes [${a}] and [${b}] do not fit together`);
  });
}

/** Returns how many numbers a shape holds. @throws Error: it is only known when the graph runs. */
export function sizeOf(shape: readonly Dim[]): number {
  return shape.reduce<number>((size, dim) => {
    if (typeof dim === 'string') throw new Error(`the size of [${shape}] is only known when the graph runs`);
    return size * dim;
  }, 1);
}
