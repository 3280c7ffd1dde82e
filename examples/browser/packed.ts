/**
 * All digits as one file of bytes, a tenth of their JSON: for each digit the number of its images (32 bits, little endian) and their
 * pixels. The pixels of the package are bytes divided by 255 and rounded to three decimals, so that nothing is lost.
 */
import { classes, pixels } from "../digits/digits.ts";

/** Where the page finds it, beside itself. */
export const packedName = "digits.bin";

const header = 4;

/** The images of each digit, as flat lists of pixels from 0 to 1, as bytes. */
export function packDigits(digits: readonly (readonly number[])[]): Uint8Array<ArrayBuffer> {
  const packed = new Uint8Array(digits.reduce((n, data) => n + header + data.length, 0));
  const view = new DataView(packed.buffer);
  let offset = 0;
  for (const data of digits) {
    view.setUint32(offset, data.length / pixels, true);
    packed.set(
      data.map((p) => Math.round(p * 255)),
      offset + header,
    );
    offset += header + data.length;
  }
  return packed;
}

/** The lists again; throws where the bytes are something else. */
export function unpackDigits(packed: Uint8Array<ArrayBuffer>): Float32Array[] {
  const levels = Float32Array.from({ length: 256 }, (_, byte) => Math.round((byte / 255) * 1000) / 1000);
  const view = new DataView(packed.buffer, packed.byteOffset, packed.byteLength);
  let offset = 0;
  return Array.from({ length: classes }, () => {
    const size = offset + header <= packed.length ? view.getUint32(offset, true) * pixels : Number.NaN;
    if (!(offset + header + size <= packed.length)) throw new Error(`${packedName} is not complete. Load the page again.`);
    const bytes = packed.subarray(offset + header, offset + header + size);
    offset += header + size;
    return Float32Array.from(bytes, (byte) => levels[byte] ?? Number.NaN);
  });
}
