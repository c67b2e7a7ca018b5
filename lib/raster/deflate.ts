/**
 * Deflate by Node's zlib, on a thread of its pool: geotiff's own (pako) holds up the event loop for as long as a strip takes, and is
 * slower.
 */
import { promisify } from 'node:util';
import { inflate } from 'node:zlib';
import { addDecoder, BaseDecoder } from 'geotiff';

/** Values of Compression (TIFF) that mean deflate: Adobe's, and the older number for the same. */
const DEFLATE = [8, 32946];

class ZlibDecoder extends BaseDecoder {
  override async decodeBlock(block: ArrayBufferLike): Promise<ArrayBufferLike> {
    const { buffer, byteOffset, byteLength } = await promisify(inflate)(new Uint8Array(block));
    return buffer.slice(byteOffset, byteOffset + byteLength);
  }
}

addDecoder(DEFLATE, async () => ZlibDecoder);
