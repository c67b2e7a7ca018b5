/**
 * A script for a folder of pictures: a mask for each, and one table of all, masks.csv, for a spreadsheet. Shows how a program calls what
 * the command line calls, says how far it is, lets Ctrl-C end it, and tells its errors.
 *
 *   npm install sam-native
 *   node batch.ts FOLDER [OUT] [MODEL]             Node 22.18 or newer; before: npx tsx batch.ts …
 *
 * Nothing says here what is meant: a tuned MODEL (a run's folder) knows it, `mobile-sam` takes what stands out. `points`, `box` or
 * `roughMask` in the call would say it.
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { predictImages, SamError } from 'sam-native';

const [folder, out = 'masks', model = 'mobile-sam'] = process.argv.slice(2);
const stopped = new AbortController();
process.once('SIGINT', () => stopped.abort());

/** A field of a CSV file: in quotes where it needs them. */
const field = (value: string | number) => (/[",\n]/.test(`${value}`) ? `"${`${value}`.replaceAll('"', '""')}"` : value);

try {
  if (folder === undefined) throw new SamError('SAM_BAD_OPTION', 'usage: node batch.ts FOLDER [OUT] [MODEL]');
  const { outputs } = await predictImages(
    { images: [folder], model, out, skipBad: true },
    {
      signal: stopped.signal,
      onProgress: ({ stage, done, total }) => console.error(`${stage} ${done} of ${total}`),
      onNote: (line) => console.error(line),
      onWarning: (line) => console.error(line),
    },
  );
  const rows = outputs.map(({ image, mask, score, coverage }) => [image, mask, score.toFixed(4), coverage.toFixed(4)]);
  const lines = [['image', 'mask', 'score', 'coverage'], ...rows].map((row) => row.map(field).join(','));
  await writeFile(join(out, 'masks.csv'), `${lines.join('\n')}\n`);
  console.log(`${outputs.length} masks and masks.csv in ${out}`);
} catch (error) {
  if (stopped.signal.aborted) process.exitCode = 130;
  else if (error instanceof SamError) {
    console.error(`${error.code}: ${error.message}${error.fix === undefined ? '' : ` — ${error.fix}`}`);
    process.exitCode = error.exitCode;
  } else throw error;
}
