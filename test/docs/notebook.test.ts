/** docs/t4.ipynb is what docs/t4.md makes, cell by cell. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { blocksOf } from '../../scripts/docs/command-lines.mjs';

interface Cell {
  id: string;
  cell_type: 'code' | 'markdown';
  source: string[];
}

const page = readFileSync('docs/t4.md', 'utf8');
const notebook = JSON.parse(readFileSync('docs/t4.ipynb', 'utf8')) as { cells: Cell[]; nbformat: number };
const sources = (type: Cell['cell_type']) =>
  notebook.cells.filter(({ cell_type }) => cell_type === type).map(({ source }) => source.join(''));

test('the committed notebook is current', () => {
  execFileSync(process.execPath, ['scripts/make_notebook.mjs', '--check']);
});

test('its code cells are the blocks of the page, in order', () => {
  const blocks = blocksOf(page).map(({ text }) => text.trimEnd());
  expect(sources('code')).toEqual(blocks);
  expect(blocks.length).toBeGreaterThan(6);
});

test('its text is the rest of the page, with the warning that it has not run first', () => {
  const words = (text: string) => text.split(/\s+/).filter(Boolean);
  const prose = page.replace(/^```\w*\n[\s\S]*?^```$/gm, ' ');
  expect(words(sources('markdown').join('\n'))).toEqual(words(prose));
  expect(sources('markdown')[0]).toContain('This has not been run');
});

test('it has what nbformat 4.5 asks of every cell', () => {
  expect(notebook.nbformat).toBe(4);
  expect(new Set(notebook.cells.map(({ id }) => id)).size).toBe(notebook.cells.length);
  for (const cell of notebook.cells) {
    const keys = cell.cell_type === 'code' ? ['execution_count', 'outputs'] : [];
    expect(Object.keys(cell).sort()).toEqual([...keys, 'cell_type', 'id', 'metadata', 'source'].sort());
  }
});
