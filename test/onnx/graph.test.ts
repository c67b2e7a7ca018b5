import { describe, expect, it } from 'vitest';
import { Graph } from '../../lib/onnx/graph.js';
import { broadcast, sizeOf } from '../../lib/onnx/value.js';

describe('shapes of a graph', () => {
  it('fit together as numpy has it, names among them', () => {
    expect(broadcast(['n', 1, 3], [4, 1])).toEqual(['n', 4, 3]);
    expect(() => broadcast([2, 3], [4])).toThrow('shapes [2,3] and [4] do not fit together');
    expect(() => broadcast(['n'], ['m'])).toThrow('do not fit');
    expect(() => sizeOf([2, 'n'])).toThrow('only known when the graph runs');
  });

  it('follow from what a node does', () => {
    const graph = new Graph('g');
    const x = graph.input('x', ['n', 6, 4]);
    expect(graph.matmul(x, graph.floats(Array(12).fill(0), [4, 3])).shape).toEqual(['n', 6, 3]);
    expect(graph.transpose(x, [2, 0, 1]).shape).toEqual([4, 'n', 6]);
    expect(graph.slice(x, 1, 2, 5).shape).toEqual(['n', 3, 4]);
    expect(graph.concat([x, x], -1).shape).toEqual(['n', 6, 8]);
    expect(graph.split(x, 1, [1, 5]).map(({ shape }) => shape)).toEqual([
      ['n', 1, 4],
      ['n', 5, 4],
    ]);
    expect(graph.gather(x, graph.ints([0, 1, 2]), 1).shape).toEqual(['n', 3, 4]);
    expect(graph.squeeze(graph.unsqueeze(x, 0), 0).shape).toEqual(['n', 6, 4]);
    expect(graph.size(x, 0)).toMatchObject({ shape: [1], type: 'int64' });
  });

  it('refuse what does not fit', () => {
    const graph = new Graph('g', 'fp16');
    const x = graph.input('x', ['n', 4]);
    expect(() => graph.matmul(x, graph.floats([0, 0, 0], [3, 1]))).toThrow('no product of [n,4] and [3,1]');
    expect(() => graph.add(x, graph.floats([1]))).toThrow('Add of float x and float16 constant');
    expect(() => graph.reshape(x, ['a', 'b'])).toThrow('cannot tell how [n,4] becomes [a,b]');
  });

  it('a constant is kept once, and names are of one value each', () => {
    const graph = new Graph('g');
    expect(graph.floats([1, 2], [2])).toBe(graph.floats([1, 2], [2]));
    expect(graph.ints([1])).not.toBe(graph.floats([1], [1]));
    const x = graph.input('x', [2]);
    for (let i = 0; i < 3; i++) graph.add(x, x);
    const names = graph.nodes.flatMap(({ outputs }) => outputs.map(({ name }) => name));
    expect(new Set(names).size).toBe(names.length);
  });

  it('in fp16, what comes in and goes out is fp32 all the same', () => {
    const graph = new Graph('g', 'fp16');
    const inside = graph.work(graph.input('x', [2]));
    expect(inside.type).toBe('float16');
    graph.output(inside, 'y');
    expect(graph.outputs).toEqual([{ name: 'y', type: 'float', shape: [2] }]);
  });
});
