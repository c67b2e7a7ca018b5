/**
 * Makes docs/t4.ipynb of docs/t4.md: each fenced block is a code cell, what stands between is text.
 *
 *   node scripts/make_notebook.mjs            # writes it
 *   node scripts/make_notebook.mjs --check    # says by its exit code whether the committed one is current
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const SOURCE = fileURLToPath(new URL('../docs/t4.md', import.meta.url));
const NOTEBOOK = fileURLToPath(new URL('../docs/t4.ipynb', import.meta.url));

/** Lines as a notebook keeps them: each with its end, but the last. */
const linesOf = (text) => text.split(/(?<=\n)/);
const codeCell = (text) => ({
  cell_type: 'code',
  execution_count: null,
  metadata: {},
  outputs: [],
  source: linesOf(text),
});
const textCell = (text) => ({ cell_type: 'markdown', metadata: {}, source: linesOf(text) });

/** Text and code take turns; `split` gives the code of each fence between the texts. */
const cells = readFileSync(SOURCE, 'utf8')
  .split(/^```\w*\n([\s\S]*?)\n```$/m)
  .map((text, index) => (index % 2 === 1 ? codeCell(text) : textCell(text.trim())))
  .filter(({ source }) => source.join('') !== '')
  .map((cell, index) => ({ id: `cell-${index + 1}`, ...cell }));
const metadata = {
  accelerator: 'GPU',
  colab: { gpuType: 'T4' },
  kernelspec: { display_name: 'Python 3', language: 'python', name: 'python3' },
  language_info: { name: 'python' },
};
const notebook = `${JSON.stringify({ cells, metadata, nbformat: 4, nbformat_minor: 5 }, null, 1)}\n`;

if (!process.argv.includes('--check')) writeFileSync(NOTEBOOK, notebook);
else if (readFileSync(NOTEBOOK, 'utf8') !== notebook) {
  console.error('docs/t4.ipynb is not what docs/t4.md makes: run node scripts/make_notebook.mjs');
  process.exitCode = 1;
}
