/** Sizes in bytes, as people write and read them. */
import { SamError } from './errors.js';

/** `20GB` (10^9), `20GiB` (2^30), `500m`, `1000` as bytes. @throws SamError `SAM_BAD_OPTION`. */
export function parseBytes(text: string): number {
  const match = /^(\d+(?:\.\d+)?)\s*(?:([kmgt])(i)?)?b?$/i.exec(text.trim());
  if (match === null) throw new SamError('SAM_BAD_OPTION', `not a size: ${text}`, { fix: 'write a size such as 20GB' });
  const power = match[2] === undefined ? 0 : 'kmgt'.indexOf(match[2].toLowerCase()) + 1;
  return Math.floor(Number(match[1]) * (match[3] === undefined ? 1000 : 1024) ** power);
}

/** `2.1 GB`. */
export function formatBytes(bytes: number): string {
  const units = ['bytes', 'kB', 'MB', 'GB', 'TB'];
  const power = bytes < 1000 ? 0 : Math.min(units.length - 1, Math.floor(Math.log10(bytes) / 3));
  return `${power === 0 ? bytes : (bytes / 1000 ** power).toFixed(1)} ${units[power]}`;
}

/** `15.6 GiB`: memory, which is sold so. */
export function formatGib(bytes: number): string {
  return `${(bytes / 1024 ** 3).toFixed(1)} GiB`;
}
