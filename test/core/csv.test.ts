import fc from 'fast-check';
import { expect, it } from 'vitest';
import { csvLine, parseCsv } from '../../lib/core/csv.js';

it('rows that are written come back as they were', () => {
  const field = fc.oneof(fc.string(), fc.stringMatching(/^[ ,"\r\na-c]*$/));
  const row = fc.array(field, { minLength: 1 }).filter((fields) => fields.some((text) => text !== ''));
  fc.assert(
    fc.property(fc.array(row), (rows) => {
      const text = rows.map((fields) => `${csvLine(fields)}\n`).join('');
      fc.pre(!text.startsWith('\ufeff')); // a mark of the encoding, not of the first field
      expect([...parseCsv(text)].map(({ fields }) => fields)).toEqual(rows);
    }),
  );
});
