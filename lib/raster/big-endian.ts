/**
 * geotiff 3.0.5 reads long tables of a big-endian file (where its tiles lie) as little-endian ones (`DeferredArray`, which takes
 * no notice of its `littleEndian`). Here they are read right, before anything else asks for them.
 */
import type { GeoTIFFImage } from 'geotiff';

export async function mendByteOrder(image: GeoTIFFImage): Promise<void> {
  if (image.littleEndian) return;
  for (const table of image.fileDirectory.deferredArrays.values()) {
    const { arrayOffset: offset, itemSize, length, data } = table;
    if (!ArrayBuffer.isView(data) || data.BYTES_PER_ELEMENT !== itemSize) continue;
    const [bytes] = await table.source.fetch([{ offset, length: itemSize * length }]);
    const values = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    values.set(new Uint8Array(bytes!).subarray(0, values.length));
    const swapped = Buffer.from(values.buffer, values.byteOffset, values.byteLength);
    if (itemSize === 2) swapped.swap16();
    else if (itemSize === 4) swapped.swap32();
    else if (itemSize === 8) swapped.swap64();
    table.maskBitmap.fill(0xff);
    table.fullFetchPromise = Promise.resolve(data);
  }
}
