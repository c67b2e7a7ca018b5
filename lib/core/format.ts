/** Files that others read later name the format they are in, so that an older program can say what it has before it. */
import { SamError, type SamErrorCode } from './errors.js';

/**
 * @param record What a file holds, with its `formatVersion`; anything else is let through, for the file's own schema to refuse.
 * @throws SamError `code` where the format is later than `known`.
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
