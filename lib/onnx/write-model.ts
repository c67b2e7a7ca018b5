/** Writes a graph as an ONNX file; its numbers within it, or beside it where protobuf's 2 GB would not hold them. */
import { type FileHandle, open, writeFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { create, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import { packageVersion } from '../core/package-root.js';
import { type Attribute, CAST, type Graph, type Initializer, type Node } from './graph.js';
import {
  AttributeProto_AttributeType,
  type AttributeProtoSchema,
  ModelProtoSchema,
  type NodeProtoSchema,
  type TensorProto,
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
  const beside = total > mostWithin ? `${path}_data` : undefined;
  const initializer = beside === undefined ? await within(graph) : await writeBeside(graph, beside);
  const isOutput = new Set(graph.outputs.map(({ name }) => name));
  const between = graph.nodes.flatMap(({ outputs }) => outputs).filter(({ name }) => !isOutput.has(name));
  const model = create(ModelProtoSchema, {
    irVersion: BigInt(IR_VERSION),
    producerName: 'sam-native',
    producerVersion: packageVersion(),
    opsetImport: [{ domain: '', version: BigInt(OPSET) }],
    metadataProps: Object.entries(metadata).map(([key, value]) => ({ key, value })),
    graph: {
      name: graph.name,
      node: graph.nodes.map(nodeProto),
      initializer,
      input: graph.inputs.map(valueInfo),
      output: graph.outputs.map(valueInfo),
      valueInfo: between.map(valueInfo),
    },
  });
  await writeFile(path, toBinary(ModelProtoSchema, model));
  return beside === undefined ? [path] : [path, beside];
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

/** What of a tensor is its values, or where they are. */
type TensorValues =
  | { rawData: Uint8Array }
  | { dataLocation: TensorProto_DataLocation; externalData: { key: string; value: string }[] };

function tensorProto({ value: { name, type, shape } }: Initializer, values: TensorValues): TensorProto {
  const dims = shape.map((dim) => BigInt(dim));
  return create(TensorProtoSchema, { name, dataType: CAST[type], dims, ...values });
}

async function within(graph: Graph): Promise<TensorProto[]> {
  const tensors: TensorProto[] = [];
  for (const initializer of graph.initializers) {
    tensors.push(tensorProto(initializer, { rawData: await initializer.read() }));
  }
  return tensors;
}

/** Writes the large tensors to a file beside, one after the other. */
async function writeBeside(graph: Graph, path: string): Promise<TensorProto[]> {
  const file = await open(path, 'w');
  try {
    const tensors: TensorProto[] = [];
    let end = 0;
    for (const initializer of graph.initializers) {
      const bytes = await initializer.read();
      if (bytes.length < LEAST_BESIDE) {
        tensors.push(tensorProto(initializer, { rawData: bytes }));
        continue;
      }
      const offset = Math.ceil(end / ALIGNMENT) * ALIGNMENT;
      await writeAll(file, bytes, offset);
      end = offset + bytes.length;
      const place = { location: basename(path), offset: String(offset), length: String(bytes.length) };
      const externalData = Object.entries(place).map(([key, value]) => ({ key, value }));
      tensors.push(tensorProto(initializer, { dataLocation: TensorProto_DataLocation.EXTERNAL, externalData }));
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
