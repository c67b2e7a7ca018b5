/** Panels of a documentation picture: a photograph, a mask laid over it, an embedding; and rows of them with words above. */
import { readFile } from 'node:fs/promises';
import sharp from 'sharp';

const GAP = 6;
const WORDS = 22;
/** Blue of a tuned model, orange of an untuned one, as in the reports; white for the label. */
export const COLOURS = { untuned: [255, 140, 26], tuned: [86, 180, 233], label: [255, 255, 255], rough: [0, 229, 255] };

/** A picture file (or its bytes) as a square panel, cut to its middle. */
export const photograph = (file, side) =>
  sharp(file).removeAlpha().resize(side, side, { fit: 'cover' }).png().toBuffer();

/** Values of a mask, 0 or 1, at its own size. */
export async function maskOf(file) {
  const { data, info } = await sharp(file).greyscale().threshold(1).raw().toBuffer({ resolveWithObject: true });
  return { values: data, width: info.width, height: info.height };
}

/** IoU of two masks of one size. */
export function iou(one, other) {
  const [both, either] = [one.values, other.values].reduce((first, second) => {
    let [inBoth, inEither] = [0, 0];
    for (let at = 0; at < first.length; at++) {
      if (first[at] && second[at]) inBoth++;
      if (first[at] || second[at]) inEither++;
    }
    return [inBoth, inEither];
  });
  return both / either;
}

/** A photograph under a tinted mask with a clear edge. */
export async function overlaid(photo, mask, colour, side) {
  const { width, height, values } = mask;
  const tint = Buffer.alloc(width * height * 4);
  for (let at = 0; at < values.length; at++) {
    if (values[at] === 0) continue;
    const x = at % width;
    const inside = (there, place) => there && values[place] !== 0;
    const isEdge = ![
      inside(x > 1, at - 2),
      inside(x < width - 2, at + 2),
      inside(at >= 2 * width, at - 2 * width),
      inside(at < values.length - 2 * width, at + 2 * width),
    ].every(Boolean);
    tint.set([...colour, isEdge ? 255 : 110], at * 4);
  }
  const whole = await sharp(photo)
    .removeAlpha()
    .composite([{ input: tint, raw: { width, height, channels: 4 } }])
    .png();
  return photograph(await whole.toBuffer(), side);
}

/** An SVG drawn over a panel. */
export const drawnOver = (panel, side, shapes) =>
  sharp(panel)
    .composite([
      {
        input: Buffer.from(`<svg xmlns="http://www.w3.org/2000/svg" width="${side}" height="${side}">${shapes}</svg>`),
      },
    ])
    .png()
    .toBuffer();

/** The points and the box of a prompt over a panel of a picture `width` pixels wide. */
export function prompted(panel, { points, labels, box }, width, side) {
  const scale = side / width;
  const marks = points.map(
    ([x, y], index) =>
      `<circle cx="${(x + 0.5) * scale}" cy="${(y + 0.5) * scale}" r="6" stroke="white" stroke-width="2" fill="${labels[index] ? '#19c24a' : '#e5322d'}"/>`,
  );
  const [x0, y0, x1, y1] = box ?? [];
  const frame =
    box &&
    `<rect x="${x0 * scale}" y="${y0 * scale}" width="${(x1 - x0) * scale}" height="${(y1 - y0) * scale}" fill="none" stroke="#ffd400" stroke-width="3"/>`;
  return drawnOver(panel, side, [...marks, frame ?? ''].join(''));
}

/** One embedding (256 x 64 x 64 numbers of a safetensors file) as a picture: its three first principal components are red, green and blue. */
export async function embeddingPicture(file, name, side) {
  const bytes = await readFile(file);
  const start = 8 + Number(bytes.readBigUInt64LE(0));
  const [from, to] = JSON.parse(bytes.subarray(8, start).toString())[name].data_offsets;
  const numbers = new Float32Array(new Uint8Array(bytes.subarray(start + from, start + to)).buffer);
  const [channels, cells] = [256, 64 * 64];
  const rows = Array.from({ length: channels }, (_, channel) => {
    const row = numbers.slice(channel * cells, (channel + 1) * cells);
    const middle = row.reduce((sum, value) => sum + value, 0) / cells;
    return row.map((value) => value - middle);
  });
  const pixels = Buffer.alloc(cells * 3);
  for (let colour = 0; colour < 3; colour++) {
    const values = firstComponent(rows, cells);
    const sorted = values.toSorted();
    const [low, high] = [sorted[Math.round(cells * 0.02)], sorted[Math.round(cells * 0.98)]];
    values.forEach((value, cell) => {
      pixels[cell * 3 + colour] = Math.max(0, Math.min(255, (255 * (value - low)) / (high - low)));
    });
  }
  const raw = { width: 64, height: 64, channels: 3 };
  return sharp(pixels, { raw }).resize(side, side, { kernel: 'nearest' }).png().toBuffer();
}

/** The first principal component of each cell (power iteration), which is then taken out of `rows`. */
function firstComponent(rows, cells) {
  let axis = rows.map((_, channel) => 1 + channel / rows.length);
  let values = new Float32Array(cells);
  for (let round = 0; round < 50; round++) {
    values = new Float32Array(cells);
    rows.forEach((row, channel) => {
      for (let cell = 0; cell < cells; cell++) values[cell] += axis[channel] * row[cell];
    });
    axis = rows.map((row) => row.reduce((sum, value, cell) => sum + value * values[cell], 0));
    const length = Math.hypot(...axis);
    axis = axis.map((value) => value / length);
  }
  rows.forEach((row, channel) => {
    for (let cell = 0; cell < cells; cell++) row[cell] -= axis[channel] * values[cell];
  });
  return values;
}

/** Writes rows of panels as one WebP, words above each column. */
export async function writeRows(file, words, rows, side) {
  const width = words.length * (side + GAP) - GAP;
  const height = WORDS + rows.length * (side + GAP) - GAP;
  const texts = words.map(
    (text, column) =>
      `<text x="${column * (side + GAP) + side / 2}" y="15" text-anchor="middle" font-family="DejaVu Sans, sans-serif" font-size="13">${text}</text>`,
  );
  const caption = Buffer.from(
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${WORDS}">${texts.join('')}</svg>`,
  );
  const panels = rows.flatMap((row, line) =>
    row.map((input, column) => ({ input, left: column * (side + GAP), top: WORDS + line * (side + GAP) })),
  );
  const sheet = sharp({ create: { width, height, channels: 3, background: '#fff' } });
  return sheet
    .composite([{ input: caption, left: 0, top: 0 }, ...panels])
    .webp({ quality: 55, effort: 6 })
    .toFile(file);
}
