/** Comma-separated values (RFC 4180), read and written: quoted fields may hold commas, line ends and doubled quotes. */

/** A row that holds something. */
export interface CsvRow {
  /** Number of the line that the row begins on, from 1. */
  readonly line: number;
  /** Values of the row, without quotes; unquoted ones without blanks around them. */
  readonly fields: readonly string[];
}

/**
 * Reads the rows of a text, one after the other; empty ones are left out.
 *
 * @throws Error: a quote is out of place; the message is made to stand behind the file's name.
 */
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

/** Writes one row, without a line end. Fields with commas, quotes, line ends or blanks at either end are quoted. */
export function csvLine(fields: readonly string[]): string {
  return fields.map((field) => (/[",\r\n]|^\s|\s$/.test(field) ? `"${field.replaceAll('"', '""')}"` : field)).join(',');
}
