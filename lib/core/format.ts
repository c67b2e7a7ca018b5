/** The format's number in files that later versions read, so that an older program can say what it has before it. */
import { SamError, type SamErrorCode } from './errors.js';

/**
 * Refuses what a newer version of this package wrote.
 *
 * @param record a file's content, with its `formatVersion`; anything else is let through, for the file's own schema to refuse.
 * @throws SamError `code`: the format is later than `known`.
 */
export function refuseNewer(
  path: string,
  record: unknown,
  { known, code }: { known: number; code: SamErrorCode },
): void {
  if (typeof record !== 'object' || record === null || !('formatVersion' in record)) return;
  const { formatVersion } = record;
  if (typeof formatVersion !== 'number' || formatVersion <= known) return;
  throw new SamError(
    code,
    `${path} was written by a newer sam-native (format ${formatVersion}; this one reads ${known})`,
    {
      fix: 'update it: npm install sam-native@latest',
    },
  );
}
