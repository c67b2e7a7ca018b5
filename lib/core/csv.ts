/** Comma-separated values (RFC 4180), read and written: quoted fields may hold commas, line ends and doubled quotes. */

/** A line of the file that holds something, with its number from 1. */
export interface CsvRow {
  readonly line: number;
  readonly fields: readonly string[];
}

/** The rows, one after the other. @throws {Error} A quote that is not closed: the message goes on from the file's name. */
export function* parseCsv(text: string): Generator<CsvRow, void> {
  let fields: string[] = [];
  let [line, first] = [1, 1];
  // A field with what ends it: a comma, the end of a line, the end of the text.
  const pattern = /(?:"((?:[^"]|"")*)"|([^",\r\n][^,\r\n]*)?)(,|\r\n|\n|\r|$)/gy;
  const content = text.replace(/^\ufeff/, '');
  while (pattern.lastIndex < content.length) {
    const match = pattern.exec(content);
    if (match === null) throw new Error(`line ${line} has a quote out of place`);
    const [, quoted, plain = '', end] = match;
    fields.push(quoted?.replaceAll('""', '"') ?? plain.trim());
    line += match[0].match(/\r\n|\n|\r/g)?.length ?? 0;
    if (end === ',') {
      if (pattern.lastIndex < content.length) continue;
      fields.push('');
    }
    if (fields.some((field) => field !== '')) yield { line: first, fields };
    [fields, first] = [[], line];
  }
}

/** One row, without its line end; fields with commas, quotes, line ends or blanks at an end are quoted. */
export function csvLine(fields: readonly string[]): string {
  return fields.map((field) => (/[",\r\n]|^\s|\s$/.test(field) ? `"${field.replaceAll('"', '""')}"` : field)).join(',');
}
