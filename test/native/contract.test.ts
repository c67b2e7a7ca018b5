import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import ts from 'typescript';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Disposable } from '../../binding.js';
import { CONTRACT, native } from '../../lib/addon/native.js';
import { defaultCacheDir } from '../../lib/core/cache-dir.js';
import { PACKAGE_ROOT } from '../../lib/core/package-root.js';
import { resolveModel } from '../../lib/models/resolve.js';
import { parseLoss } from '../../lib/options.js';

const DECLARATIONS = join(PACKAGE_ROOT, 'binding.d.ts');

/** One living object of each handle interface. */
const handles: Record<string, Disposable> = {};
const folder = mkdtempSync(join(tmpdir(), 'sam-contract-'));

beforeAll(async () => {
  const { weights, encoder: path } = await resolveModel('mobile-sam', { cacheDir: defaultCacheDir() });
  const device = { device: 'cpu', precision: 'fp32' } as const;
  const encoder = await native().loadEncoder({ path, ...device, check: false });
  const model = await native().loadModel({ weights, ...device });
  Object.assign(handles, {
    ImageEncoder: encoder,
    Encoding: await encoder.begin({ pixels: new Uint8Array(12), width: 2, height: 2 }),
    Embeddings: native().embeddingsFrom(new Float32Array(256 * 64 * 64)),
    EmbeddingCache: await native().openCache({ directory: folder, precision: 'fp16' }),
    SamModel: model,
    Trainer: native().createTrainer(model, {
      weightDecay: 0,
      loss: parseLoss('dice'),
      selection: { maskOutput: 'multi', multiMask: 'best' },
    }),
  });
});

afterAll(() => {
  for (const handle of Object.values(handles)) handle.dispose();
  rmSync(folder, { recursive: true, force: true });
});

const program = ts.createProgram([DECLARATIONS], { lib: ['lib.es2023.d.ts', 'lib.esnext.disposable.d.ts'], types: [] });
const checker = program.getTypeChecker();

/** The interfaces that `binding.d.ts` declares, with the names of their members, inherited ones too. */
function declaredInterfaces(): Map<string, string[]> {
  const found = new Map<string, string[]>();
  program.getSourceFile(DECLARATIONS)!.forEachChild((node) => {
    if (!ts.isInterfaceDeclaration(node)) return;
    const members = checker.getPropertiesOfType(checker.getTypeAtLocation(node)).map((member) => member.name);
    // The compiler calls [Symbol.dispose] `__@dispose@12`.
    found.set(node.name.text, members.map((name) => name.replace(/^__@(\w+)@.*/, '[Symbol.$1]')).sort());
  });
  return found;
}

/** The interfaces that extend Disposable. */
function declaredHandles(): string[] {
  const names: string[] = [];
  program.getSourceFile(DECLARATIONS)!.forEachChild((node) => {
    if (!ts.isInterfaceDeclaration(node)) return;
    const parents = node.heritageClauses?.flatMap((clause) => clause.types.map((type) => type.getText())) ?? [];
    if (parents.includes('Disposable')) names.push(node.name.text);
  });
  return names.sort();
}

/** The names that an object's class has. */
function membersOf(object: object): string[] {
  return (
    Reflect.ownKeys(Object.getPrototypeOf(object))
      .filter((key) => key !== 'constructor')
      // By identity: Node 20 describes this symbol otherwise.
      .map((key) => (key === Symbol.dispose ? '[Symbol.dispose]' : String(key)))
      .sort()
  );
}

test('the declarations compile', () => {
  const problems = ts
    .getPreEmitDiagnostics(program)
    .map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, ' '));
  expect(problems).toEqual([]);
});

test('the addon exports exactly what NativeBinding declares', () => {
  expect(Reflect.ownKeys(native()).map(String).sort()).toEqual(declaredInterfaces().get('NativeBinding'));
});

test('there is a living object of every handle that is declared', () => {
  expect(Object.keys(handles).sort()).toEqual(declaredHandles());
});

test.each(['ImageEncoder', 'Encoding', 'Embeddings', 'EmbeddingCache', 'SamModel', 'Trainer'])(
  '%s has exactly the declared members',
  (name) => {
    expect(membersOf(handles[name]!)).toEqual(declaredInterfaces().get(name));
  },
);

test('info() has exactly the declared fields', () => {
  expect(Object.keys(native().info()).sort()).toEqual(declaredInterfaces().get('RuntimeInfo'));
});

test('the contract number is that of lib/addon/native.ts', () => {
  expect(native().contract).toBe(CONTRACT);
});

test('the boundary stays narrow: at most 24 functions and classes', () => {
  const source = ts.createSourceFile(DECLARATIONS, readFileSync(DECLARATIONS, 'utf8'), ts.ScriptTarget.ES2022, true);
  const interfaces = source.statements.filter(ts.isInterfaceDeclaration);
  const classes = interfaces.filter(({ heritageClauses }) => heritageClauses?.[0]?.getText() === 'extends Disposable');
  const functions = interfaces.find(({ name }) => name.text === 'NativeBinding')!.members.filter(ts.isMethodSignature);
  expect(classes.length).toBeGreaterThan(4);
  expect(functions.length).toBeGreaterThan(12);
  expect(classes.length + functions.length).toBeLessThanOrEqual(24);
});
