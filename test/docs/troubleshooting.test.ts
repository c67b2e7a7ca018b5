/** docs/troubleshooting.md has a heading for every error code, and for no other. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { SamError, type SamErrorCode } from '../../lib/core/errors.js';

const page = readFileSync('docs/troubleshooting.md', 'utf8');
/** A union of words in a source file, whatever comments stand between them. */
function codesOf(file: string, type: string): string[] {
  const [, union] = new RegExp(`export type ${type} =([\\s\\S]*?);`).exec(readFileSync(file, 'utf8'))!;
  return [...union!.matchAll(/'(SAM_\w+)'/g)].map(([, code]) => code!);
}
const CODES = [...codesOf('lib/core/errors.ts', 'LibraryErrorCode'), ...codesOf('binding.d.ts', 'NativeErrorCode')];
const sections = page.split(/^(?=##+ )/m);
const headings = sections.flatMap((section) => /^### (.+)\n/.exec(section)?.[1] ?? []);

test('every code has its heading, and no heading names a code that is not there', () => {
  expect(CODES.length).toBeGreaterThan(20);
  expect(headings.toSorted()).toEqual(CODES.toSorted());
});

test('each stands under its exit code', () => {
  let exitCode: number | undefined;
  for (const section of sections) {
    const [, part] = /^## .*exit code (\d+)/.exec(section) ?? [];
    if (part !== undefined) exitCode = Number(part);
    const [, code] = /^### (.+)\n/.exec(section) ?? [];
    if (code !== undefined) expect(new SamError(code as SamErrorCode, '').exitCode, code).toBe(exitCode);
  }
});

test('no other code is named', () => {
  for (const [code] of page.matchAll(/\bSAM_(?!NATIVE_)\w+/g)) expect(CODES).toContain(code);
});
