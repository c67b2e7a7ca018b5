/**
 * Mends big-endian TIFFs. geotiff 3.0.5 reads their long tables (of where the tiles lie) as little-endian ones: its `DeferredArray`
 * takes no notice of `littleEndian`.
 */
import type { GeoTIFFImage } from 'geotiff';

/** Reads the image's long tables in the file's own byte order, before anything else asks for them. */
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
