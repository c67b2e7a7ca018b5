/** TypeScript that a reader copies from README and docs compiles against the package. */
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import ts from 'typescript';
import { expect, test } from 'vitest';
import { blocksOf } from '../../scripts/docs/command-lines.mjs';

const PAGES = [
  'README.md',
  ...readdirSync('docs').flatMap((name) => (name.endsWith('.md') ? [join('docs', name)] : [])),
];
/** Each block as a module of its own beside package.json, where `sam-native` is this package, and `lib` its source. */
const blocks = new Map(
  PAGES.flatMap((page) =>
    blocksOf(readFileSync(page, 'utf8'))
      .filter(({ language }) => language === 'ts')
      .map(({ line, text }) => [resolve(`${page.replaceAll(/\W/g, '-')}-${line}.ts`), { page, line, text }] as const),
  ),
);

function problems(): string[] {
  const { config } = ts.readConfigFile('tsconfig.json', ts.sys.readFile);
  const parsed = ts.parseJsonConfigFileContent(config, ts.sys, resolve('.')).options;
  const paths = { 'sam-native': [resolve('lib/index.ts')], 'sam-native/binding': [resolve('lib/binding.ts')] };
  const options = { ...parsed, noEmit: true, incremental: false, declaration: false, rootDir: resolve('.'), paths };
  delete options.tsBuildInfoFile;
  const host = ts.createCompilerHost(options);
  const { readFile, fileExists, getSourceFile } = host;
  host.fileExists = (name) => blocks.has(resolve(name)) || fileExists(name);
  host.readFile = (name) => blocks.get(resolve(name))?.text ?? readFile(name);
  host.getSourceFile = (name, version, ...rest) => {
    const block = blocks.get(resolve(name));
    if (block === undefined) return getSourceFile(name, version, ...rest);
    return ts.createSourceFile(name, block.text, version);
  };
  const program = ts.createProgram([...blocks.keys()], options, host);
  return [...blocks.keys()].flatMap((name) => {
    const source = program.getSourceFile(name)!;
    return [...program.getSyntacticDiagnostics(source), ...program.getSemanticDiagnostics(source)].map(
      ({ start, messageText }) => {
        const { page, line } = blocks.get(name)!;
        const at = line + source.getLineAndCharacterOfPosition(start ?? 0).line;
        return `${page}:${at}: ${ts.flattenDiagnosticMessageText(messageText, ' ')}`;
      },
    );
  });
}

test('every block compiles', { timeout: 120_000 }, () => {
  expect(blocks.size).toBeGreaterThan(3);
  blocks.set(resolve('wrong.ts'), {
    page: 'wrong',
    line: 7,
    text: "import { SamModel } from 'sam-native';\nSamModel.lod();",
  });
  const found = problems();
  expect(found.filter((line) => !line.startsWith('wrong'))).toEqual([]);
  expect(found).toEqual([expect.stringMatching(/^wrong:8: Property 'lod' does not exist/)]);
});
