/** Writes a graph as an ONNX file; its numbers within it, or beside it where protobuf's 2 GB would not hold them. */
import { type FileHandle, open } from 'node:fs/promises';
import { basename } from 'node:path';
import { create, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import { packageVersion } from '../core/package-root.js';
import { type Attribute, CAST, type Graph, type Initializer, type Node } from './graph.js';
import {
  AttributeProto_AttributeType,
  type AttributeProtoSchema,
  GraphProtoSchema,
  ModelProtoSchema,
  type NodeProtoSchema,
  TensorProto_DataLocation,
  TensorProtoSchema,
  type ValueInfoProtoSchema,
} from './onnx_pb.js';
import type { Value } from './value.js';

export const OPSET = 17;
const IR_VERSION = 8; // the one of opset 17's time: older readers take it

/** Bytes of weights that stay within the file: protobuf's limit is 2 GiB for all of it. */
const MOST_WITHIN = 2e9;
/** Bytes from which a tensor goes into the file beside: the small ones are shapes that readers want at once. */
const LEAST_BESIDE = 1024;
/** Where a tensor begins in the file beside, so that it can be mapped: 64 KiB, as Windows wants it. */
const ALIGNMENT = 65536;

export interface WriteModelOptions {
  /** Bytes of weights above which they go into `<path>_data`. */
  mostWithin?: number;
  /** Notes that readers show, by name. */
  metadata?: Readonly<Record<string, string>>;
}

/** Writes a graph to `path`. Returns the paths of what was written: the file, and the one beside it if there is one. */
export async function writeModel(graph: Graph, path: string, options: WriteModelOptions = {}): Promise<string[]> {
  const { mostWithin = MOST_WITHIN, metadata = {} } = options;
  const total = graph.initializers.reduce((sum, { bytes }) => sum + bytes, 0);
  if (total <= mostWithin) {
    await writeWhole(graph, path, metadata, graph.initializers.map(within));
    return [path];
  }
  const beside = `${path}_data`;
  await writeWhole(graph, path, metadata, await writeBeside(graph, beside));
  return [path, beside];
}

/** Constant as it goes into the file: its message but for the numbers, and those that stand in it. */
interface Tensor {
  readonly head: Uint8Array;
  readonly numbers?: Initializer;
}

/**
 * Writes the file: what is small through the library, the constants behind it one by one, so that no more than one of them is in
 * memory. (A message that holds others is its fields one after the other: https://protobuf.dev/programming-guides/encoding.)
 */
async function writeWhole(
  graph: Graph,
  path: string,
  metadata: Readonly<Record<string, string>>,
  tensors: readonly Tensor[],
): Promise<void> {
  const small = graphBytes(graph);
  const framed = tensors.map(frame);
  const length = framed.reduce((sum, { bytes }) => sum + bytes, small.length);
  const file = await open(path, 'w');
  try {
    let end = 0;
    const append = async (bytes: Uint8Array) => {
      await writeAll(file, bytes, end);
      end += bytes.length;
    };
    await append(modelBytes(metadata));
    await append(prefix(ModelProtoSchema.field.graph.number, length));
    await append(small);
    for (const { before, numbers } of framed) {
      await append(before);
      if (numbers !== undefined) await append(await numbers.read());
    }
  } finally {
    await file.close();
  }
}

/** Returns the bytes of a constant in the graph that stand before its numbers, and how many it takes with them. */
function frame({ head, numbers }: Tensor): { before: Uint8Array; numbers: Initializer | undefined; bytes: number } {
  const data = numbers === undefined ? [] : [prefix(TensorProtoSchema.field.rawData.number, numbers.bytes)];
  const inner = Buffer.concat([head, ...data]);
  const held = numbers?.bytes ?? 0;
  const before = Buffer.concat([prefix(GraphProtoSchema.field.initializer.number, inner.length + held), inner]);
  return { before, numbers, bytes: before.length + held };
}

/** Returns what stands before a field of so many bytes. */
function prefix(field: number, bytes: number): Uint8Array {
  return new BinaryWriter().tag(field, WireType.LengthDelimited).uint32(bytes).finish();
}

function modelBytes(metadata: Readonly<Record<string, string>>): Uint8Array {
  const model = create(ModelProtoSchema, {
    irVersion: BigInt(IR_VERSION),
    producerName: 'sam-native',
    producerVersion: packageVersion(),
    opsetImport: [{ domain: '', version: BigInt(OPSET) }],
    metadataProps: Object.entries(metadata).map(([key, value]) => ({ key, value })),
  });
  return toBinary(ModelProtoSchema, model);
}

/** Returns the graph without its constants. */
function graphBytes(graph: Graph): Uint8Array {
  const isOutput = new Set(graph.outputs.map(({ name }) => name));
  const between = graph.nodes.flatMap(({ outputs }) => outputs).filter(({ name }) => !isOutput.has(name));
  const proto = create(GraphProtoSchema, {
    name: graph.name,
    node: graph.nodes.map(nodeProto),
    input: graph.inputs.map(valueInfo),
    output: graph.outputs.map(valueInfo),
    valueInfo: between.map(valueInfo),
  });
  return toBinary(GraphProtoSchema, proto);
}

function nodeProto({ operator, inputs, outputs, attributes }: Node): MessageInitShape<typeof NodeProtoSchema> {
  return {
    name: `node_${outputs[0]!.name}`,
    opType: operator,
    input: [...inputs],
    output: outputs.map(({ name }) => name),
    attribute: Object.entries(attributes).map(([name, value]) => attributeProto(name, value)),
  };
}

function attributeProto(name: string, value: Attribute): MessageInitShape<typeof AttributeProtoSchema> {
  const types = AttributeProto_AttributeType;
  if (typeof value === 'number') return { name, type: types.INT, i: BigInt(value) };
  if (typeof value === 'string') return { name, type: types.STRING, s: new TextEncoder().encode(value) };
  if ('float' in value) return { name, type: types.FLOAT, f: value.float };
  return { name, type: types.INTS, ints: value.map(BigInt) };
}

function valueInfo({ name, type, shape }: Value): MessageInitShape<typeof ValueInfoProtoSchema> {
  const dim = shape.map((size) => ({
    value:
      typeof size === 'number'
        ? ({ case: 'dimValue', value: BigInt(size) } as const)
        : ({ case: 'dimParam', value: size } as const),
  }));
  return { name, type: { value: { case: 'tensorType', value: { elemType: CAST[type], shape: { dim } } } } };
}

/** Place of a constant's numbers in the file beside. */
interface Beside {
  dataLocation: TensorProto_DataLocation;
  externalData: { key: string; value: string }[];
}

function headOf({ value: { name, type, shape } }: Initializer, beside?: Beside): Uint8Array {
  const dims = shape.map((dim) => BigInt(dim));
  return toBinary(TensorProtoSchema, create(TensorProtoSchema, { name, dataType: CAST[type], dims, ...beside }));
}

const within = (initializer: Initializer): Tensor => ({ head: headOf(initializer), numbers: initializer });

/** Writes the large tensors to a file beside, one after the other. */
async function writeBeside(graph: Graph, path: string): Promise<Tensor[]> {
  const file = await open(path, 'w');
  try {
    const tensors: Tensor[] = [];
    let end = 0;
    for (const initializer of graph.initializers) {
      if (initializer.bytes < LEAST_BESIDE) {
        tensors.push(within(initializer));
        continue;
      }
      const offset = Math.ceil(end / ALIGNMENT) * ALIGNMENT;
      await writeAll(file, await initializer.read(), offset);
      end = offset + initializer.bytes;
      const place = { location: basename(path), offset: String(offset), length: String(initializer.bytes) };
      const externalData = Object.entries(place).map(([key, value]) => ({ key, value }));
      tensors.push({ head: headOf(initializer, { dataLocation: TensorProto_DataLocation.EXTERNAL, externalData }) });
    }
    return tensors;
  } finally {
    await file.close();
  }
}

async function writeAll(file: FileHandle, bytes: Uint8Array, offset: number): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    const { bytesWritten } = await file.write(bytes, done, Math.min(bytes.length - done, 1 << 30), offset + done);
    done += bytesWritten;
  }
}
