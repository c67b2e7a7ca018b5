/** Writes files as Python's torch.save does (a zip of a pickle, protocol 2, and its data), and ones that it would not write. */
import { readFileSync, writeFileSync } from 'node:fs';
import { crc32 } from 'node:zlib';

export interface RawTensor {
  shape: readonly number[];
  /** Little-endian fp32. */
  bytes: Buffer;
}

/** A call of a function when the pickle is loaded: what no state dict needs. */
export class Call {
  constructor(
    readonly module: string,
    readonly name: string,
    readonly argument: string,
  ) {}
}

export type Pickled = RawTensor | Call | string | number | { readonly [key: string]: Pickled };

/** The fp32 tensors of a safetensors file. */
export function readTensors(path: string): Record<string, RawTensor> {
  const file = readFileSync(path);
  const length = Number(file.readBigUInt64LE(0));
  const header = JSON.parse(file.toString('utf8', 8, 8 + length)) as Record<
    string,
    { shape: number[]; data_offsets: [number, number] }
  >;
  const tensors: Record<string, RawTensor> = {};
  for (const [name, { shape, data_offsets: offsets }] of Object.entries(header)) {
    if (name === '__metadata__') continue;
    const [begin, end] = offsets.map((offset) => offset + 8 + length);
    tensors[name] = { shape, bytes: file.subarray(begin, end) };
  }
  return tensors;
}

/** Safetensors of fp32 tensors. */
export function writeTensors(path: string, tensors: Record<string, RawTensor>): void {
  let offset = 0;
  const entries = Object.entries(tensors).map(([name, { shape, bytes }]) => {
    const entry = { dtype: 'F32', shape, data_offsets: [offset, offset + bytes.length] };
    offset += bytes.length;
    return [name, entry] as const;
  });
  const header = Buffer.from(JSON.stringify(Object.fromEntries(entries)));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(header.length));
  writeFileSync(path, Buffer.concat([length, header, ...Object.values(tensors).map(({ bytes }) => bytes)]));
}

export function writePth(path: string, root: Pickled): void {
  const pickler = new Pickler();
  const pickle = pickler.pickle(root);
  writePickle(path, pickle, pickler.storages);
}

/** The same of any bytes in place of a pickle. */
export function writePickle(path: string, pickle: Buffer, storages: readonly Buffer[] = []): void {
  const records: [string, Buffer][] = [
    ['archive/data.pkl', pickle],
    ['archive/byteorder', Buffer.from('little')],
    ...storages.map((bytes, key): [string, Buffer] => [`archive/data/${key}`, bytes]),
    ['archive/version', Buffer.from('3\n')],
  ];
  writeFileSync(path, zipOf(records));
}

class Pickler {
  readonly storages: Buffer[] = [];
  readonly #parts: Buffer[] = [];

  pickle(root: Pickled): Buffer {
    this.#bytes(0x80, 2);
    this.#value(root);
    this.#text('.');
    return Buffer.concat(this.#parts);
  }

  #bytes(...values: number[]): void {
    this.#parts.push(Buffer.from(values));
  }

  #text(text: string): void {
    this.#parts.push(Buffer.from(text));
  }

  #value(value: Pickled): void {
    if (typeof value === 'string') {
      const bytes = Buffer.from(value);
      const length = Buffer.alloc(4);
      length.writeUInt32LE(bytes.length);
      this.#parts.push(Buffer.from('X'), length, bytes);
    } else if (typeof value === 'number') {
      const bytes = Buffer.alloc(4);
      bytes.writeInt32LE(value);
      this.#parts.push(Buffer.from('J'), bytes);
    } else if (value instanceof Call) {
      this.#text(`c${value.module}\n${value.name}\n`);
      this.#value(value.argument);
      this.#bytes(0x85, 'R'.charCodeAt(0)); // TUPLE1, REDUCE
    } else if (isTensor(value)) {
      this.#tensor(value);
    } else {
      this.#text('ccollections\nOrderedDict\n)R(');
      for (const [key, entry] of Object.entries(value)) {
        this.#value(key);
        this.#value(entry);
      }
      this.#text('u');
    }
  }

  #tensor({ shape, bytes }: RawTensor): void {
    const key = this.storages.push(bytes) - 1;
    const strides = shape.map((_, i) => shape.slice(i + 1).reduce((product, side) => product * side, 1));
    this.#text('ctorch._utils\n_rebuild_tensor_v2\n((');
    this.#value('storage');
    this.#text('ctorch\nFloatStorage\n');
    for (const part of [String(key), 'cpu', bytes.length / 4]) this.#value(part);
    this.#text('tQ');
    this.#value(0);
    for (const numbers of [shape, strides]) {
      this.#text('(');
      for (const number of numbers) this.#value(number);
      this.#text('t');
    }
    this.#bytes(0x89); // requires_grad: False
    this.#text('ccollections\nOrderedDict\n)RtR');
  }
}

function isTensor(value: Pickled): value is RawTensor {
  return typeof value === 'object' && 'bytes' in value && Buffer.isBuffer(value.bytes);
}

/** Stored, not compressed, as torch.save does. */
function zipOf(records: readonly (readonly [string, Buffer])[]): Buffer {
  const parts: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const [name, content] of records) {
    const common = Buffer.alloc(26);
    common.writeUInt16LE(20, 0);
    common.writeUInt32LE(crc32(content), 10);
    common.writeUInt32LE(content.length, 14);
    common.writeUInt32LE(content.length, 18);
    common.writeUInt16LE(name.length, 22);
    const entry = Buffer.alloc(46);
    entry.writeUInt32LE(0x02014b50, 0);
    entry.writeUInt16LE(20, 4);
    common.copy(entry, 6);
    entry.writeUInt32LE(offset, 42);
    directory.push(entry, Buffer.from(name));
    const local = [Buffer.from('PK\x03\x04'), common, Buffer.from(name), content];
    parts.push(...local);
    offset += local.reduce((sum, part) => sum + part.length, 0);
  }
  const central = Buffer.concat(directory);
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(records.length, 8);
  end.writeUInt16LE(records.length, 10);
  end.writeUInt32LE(central.length, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...parts, central, end]);
}
