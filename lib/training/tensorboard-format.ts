/**
 * The bytes of a TensorBoard event file: TFRecords, each a protobuf `Event`. Of both formats only what runs write.
 *
 * A record is its length (uint64), that length's checksum, the data, the data's checksum, all little endian; a checksum is CRC-32C,
 * rotated and shifted, so that a checksum of data that hold checksums is none of them. Numbers of fields: tensorboard's `event.proto`
 * and `summary.proto`.
 */

/** A picture in an event. */
export interface EventImage {
  readonly width: number;
  readonly height: number;
  /** A whole JPEG or PNG file, RGB. */
  readonly encoded: Uint8Array;
}

/** What an event tells. */
export type EventContent =
  /** Version of the format, which the first event of a file tells. */
  | { readonly fileVersion: string }
  /** Beginning of a session: what earlier files have from this event's step on is not to be shown any more. */
  | { readonly sessionStart: true }
  /** Values by their tag, each a number (kept as fp32) or a picture. */
  | { readonly values: Readonly<Record<string, number | EventImage>> };

/**
 * Makes one record of the file.
 *
 * @param wallTime seconds since 1970.
 * @param step optimisation step, from 0.
 */
export function eventRecord(wallTime: number, step: number, content: EventContent): Buffer {
  const event = [double(1, wallTime), ...(step === 0 ? [] : [whole(2, step)]), contentField(content)];
  return record(Buffer.concat(event));
}

const SESSION_START = 1;
const RGB = 3;

function contentField(content: EventContent): Buffer {
  if ('fileVersion' in content) return bytes(3, Buffer.from(content.fileVersion));
  if ('sessionStart' in content) return bytes(7, whole(1, SESSION_START));
  return bytes(5, Buffer.concat(Object.entries(content.values).map(([tag, value]) => bytes(1, fieldsOf(tag, value)))));
}

function fieldsOf(tag: string, value: number | EventImage): Buffer {
  const name = bytes(1, Buffer.from(tag));
  if (typeof value === 'number') return Buffer.concat([name, float(2, value)]);
  const { width, height, encoded } = value;
  const image = [whole(1, height), whole(2, width), whole(3, RGB), bytes(4, encoded)];
  return Buffer.concat([name, bytes(4, Buffer.concat(image))]);
}

function record(data: Buffer): Buffer {
  const head = Buffer.alloc(12);
  head.writeBigUInt64LE(BigInt(data.length), 0);
  head.writeUInt32LE(maskedChecksum(head.subarray(0, 8)), 8);
  const tail = Buffer.alloc(4);
  tail.writeUInt32LE(maskedChecksum(data), 0);
  return Buffer.concat([head, data, tail]);
}

// Protobuf: a field is its number and kind in one varint, then the value; a kind is one of these.
const [VARINT, EIGHT_BYTES, WITH_LENGTH, FOUR_BYTES] = [0, 1, 2, 5];

function whole(field: number, value: number): Buffer {
  return Buffer.concat([key(field, VARINT), varint(value)]);
}

function double(field: number, value: number): Buffer {
  const data = Buffer.alloc(8);
  data.writeDoubleLE(value);
  return Buffer.concat([key(field, EIGHT_BYTES), data]);
}

function float(field: number, value: number): Buffer {
  const data = Buffer.alloc(4);
  data.writeFloatLE(value);
  return Buffer.concat([key(field, FOUR_BYTES), data]);
}

function bytes(field: number, value: Uint8Array): Buffer {
  return Buffer.concat([key(field, WITH_LENGTH), varint(value.length), value]);
}

function key(field: number, kind: number): Buffer {
  return varint(field * 8 + kind);
}

/** Writes a whole number with seven bits a byte, the lowest ones first; the eighth says that more follow. */
function varint(value: number): Buffer {
  const digits: number[] = [];
  let rest = value;
  for (; rest >= 128; rest = Math.floor(rest / 128)) digits.push((rest % 128) + 128);
  return Buffer.from([...digits, rest]);
}

/** CRC-32C (Castagnoli) of each byte, reflected: Node's own `crc32` has another polynomial. */
const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
  return crc;
});

export function maskedChecksum(data: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of data) crc = CRC_TABLE[(crc ^ byte) & 0xff]! ^ (crc >>> 8);
  crc ^= 0xffffffff;
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;
}
