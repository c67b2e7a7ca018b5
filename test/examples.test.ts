/** The programs in examples/, each run as its head says, on a few pictures of sample:rivers. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { type ClientRequest, type IncomingMessage, request } from 'node:http';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import sharp from 'sharp';
import ts from 'typescript';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openSplit } from '../lib/data/open-data.js';
import { compile } from './cli/run-cli.js';

/** In the package's own folder, so that `sam-native` is this checkout. */
const COMPILED = resolve('build', 'examples');
const PROGRAMS = readdirSync('examples').filter((name) => name.endsWith('.ts'));

let folder: string;
let pictures: string;

beforeAll(async () => {
  compile();
  mkdirSync(COMPILED, { recursive: true });
  for (const name of PROGRAMS) {
    const { outputText } = ts.transpileModule(readFileSync(join('examples', name), 'utf8'), {
      compilerOptions: { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022 },
    });
    writeFileSync(join(COMPILED, name.replace('.ts', '.js')), outputText);
  }
  folder = mkdtempSync(join(tmpdir(), 'sam-examples-'));
  pictures = join(folder, 'pictures');
  mkdirSync(pictures);
  const samples = await openSplit({ data: 'sample:rivers', split: 'validation', limit: 3 });
  for (const { image } of samples) copyFileSync(image.path, join(pictures, basename(image.path)));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Running {
  child: ChildProcess;
  stdout(): string;
  stderr(): string;
}

function start(name: string, args: readonly string[] = [], env: Record<string, string> = {}): Running {
  const child = spawn(process.execPath, [join(COMPILED, `${name}.js`), ...args], {
    cwd: folder,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const said = { stdout: '', stderr: '' };
  for (const stream of ['stdout', 'stderr'] as const)
    child[stream].on('data', (chunk: Buffer) => {
      said[stream] += chunk.toString();
    });
  return { child, stdout: () => said.stdout, stderr: () => said.stderr };
}

async function run(name: string, ...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const running = start(name, args);
  const [code] = (await once(running.child, 'close')) as [number];
  return { code, stdout: running.stdout(), stderr: running.stderr() };
}

/** Shares of mask and of background among a mask's pixels, which are nothing else. */
async function maskOf(file: string | Buffer): Promise<{ size: number[]; inside: number }> {
  const { data, info } = await sharp(file).toColourspace('b-w').raw().toBuffer({ resolveWithObject: true });
  expect(new Set(data)).toEqual(new Set([0, 255]));
  return { size: [info.width, info.height], inside: data.filter((value) => value === 255).length / data.length };
}

const names = () => readdirSync(pictures).map((name) => name.replace(/\.\w+$/, ''));

test('every program says on its first lines what it shows and how it is run, and the list names it', () => {
  const list = readFileSync('examples/README.md', 'utf8');
  for (const name of readdirSync('examples').filter((name) => name !== 'README.md'))
    expect(list).toContain(`(${name})`);
  for (const name of PROGRAMS) {
    const head = /^\/\*\*.*?\*\//s.exec(readFileSync(join('examples', name), 'utf8'))?.[0];
    expect(head, name).toContain(`node ${name}`);
    expect(head, name).toContain('npm install sam-native');
  }
});

test('batch: a mask for each picture, and a table of them', async () => {
  const { code, stdout, stderr } = await run('batch', pictures, 'masks');
  expect(stderr).toContain('predict 3 of 3');
  expect({ code, stdout }).toEqual({ code: 0, stdout: '3 masks and masks.csv in masks\n' });
  const [head, ...rows] = readFileSync(join(folder, 'masks', 'masks.csv'), 'utf8')
    .trim()
    .split('\n');
  expect(head).toBe('image,mask,score,coverage');
  expect(rows).toHaveLength(3);
  for (const row of rows) {
    const [image, mask, score, coverage] = row.split(',') as [string, string, string, string];
    expect(existsSync(image)).toBe(true);
    expect(Number(score)).toBeGreaterThan(0);
    expect((await maskOf(resolve(folder, mask))).inside).toBeCloseTo(Number(coverage), 3);
  }
});

test('batch: a wrong call is told in one line, with exit code 2', async () => {
  const { code, stderr } = await run('batch', join(folder, 'nowhere'));
  expect(code).toBe(2);
  expect(stderr.trim()).toMatch(/^SAM_\w+: .*nowhere/);
  expect((await run('batch')).stderr).toContain('usage: node batch.ts FOLDER');
});

test('pool: threads share the pictures; one that is none is told, and the others are done', async () => {
  const broken = join(pictures, 'broken.jpg');
  writeFileSync(broken, 'no picture');
  const { code, stdout, stderr } = await run('pool', pictures, 'pooled');
  rmSync(broken);
  expect(code).toBe(1);
  expect(stderr).toContain('broken.jpg');
  const lines = stdout.trim().split('\n').sort();
  expect(lines).toEqual(names().map((name) => expect.stringMatching(new RegExp(`${name}\\.png: [01]\\.\\d{3}$`))));
  for (const name of names()) expect((await maskOf(join(folder, 'pooled', `${name}.png`))).inside).toBeGreaterThan(0);
});

test('article: from the data to the comparison with its interval, and a mask of the tuned model', async () => {
  const { code, stdout, stderr } = await run('article', '--epochs', '2', '--limit', '3', '--out', 'article');
  expect(stderr).not.toContain('SAM_');
  expect(code).toBe(0);
  expect(stdout).toContain('3 pictures to train on, 3 to validate');
  expect(stdout).toMatch(/epoch 2: loss \d+\.\d+, IoU \d+\.\d %/);
  expect(stdout).toMatch(/tuning changes the IoU by -?\d+\.\d % \(95 % interval -?\d+\.\d % to -?\d+\.\d %\)/);
  expect(stdout).toMatch(/better on \d of 3 pictures/);
  const made = ['prompts', 'run/report.html', 'scores.csv', 'mask.png'];
  expect(made.filter((name) => !existsSync(join(folder, 'article', name)))).toEqual([]);
  expect(readdirSync(join(folder, 'article', 'prompts'))).toHaveLength(3);
  await maskOf(join(folder, 'article', 'mask.png'));
});

/** The service, listening. */
async function service(): Promise<Running & { url: string }> {
  const running = start('service', [], { PORT: '0', HOST: '127.0.0.1' });
  while (!running.stdout().includes('listening on ')) {
    if (running.child.exitCode !== null) throw new Error(running.stderr());
    await once(running.child.stdout!, 'data');
  }
  return { ...running, url: /listening on (\S+)/.exec(running.stdout())![1]! };
}

async function stopped({ child }: Running): Promise<number | null> {
  const end = once(child, 'close');
  child.kill('SIGTERM');
  const [code] = (await end) as [number | null];
  return code;
}

const post = (url: string, body: Buffer) =>
  fetch(`${url}/images`, { method: 'POST', headers: { 'content-type': 'image/jpeg' }, body: new Uint8Array(body) });

/** A path of the service's machine in the place of a picture. */
const named = (url: string, type: string, body: string) =>
  fetch(`${url}/images`, { method: 'POST', headers: { 'content-type': type }, body });

test('service: a picture, its masks, and mistakes as JSON', async () => {
  const running = await service();
  const { url } = running;
  try {
    const path = join(pictures, readdirSync(pictures)[0]!);
    const picture = readFileSync(path);
    const { width, height } = await sharp(picture).metadata();
    expect(await (await post(url, picture)).json()).toEqual({ id: 1, width, height });

    const mask = await fetch(`${url}/images/1/mask?point=${width / 2},${height / 2},1`);
    expect(mask.headers.get('content-type')).toBe('image/png');
    expect(Number(mask.headers.get('score'))).toBeGreaterThan(0);
    expect((await maskOf(Buffer.from(await mask.arrayBuffer()))).size).toEqual([width, height]);
    expect((await fetch(`${url}/images/1/mask?box=10,10,200,200`)).status).toBe(200);

    const mistakes: [Promise<Response>, number, string | undefined][] = [
      [post(url, Buffer.from('no picture')), 400, 'SAM_BAD_DATA'],
      [named(url, 'text/plain', path), 415, undefined],
      [named(url, 'application/json', JSON.stringify(path)), 415, undefined],
      [fetch(`${url}/images/1/mask`), 400, 'SAM_BAD_ARGUMENT'],
      [fetch(`${url}/images/1/mask?point=x,y`), 400, expect.stringMatching(/^SAM_/)],
      [fetch(`${url}/images/2/mask?point=1,1`), 404, undefined],
    ];
    for (const [response, status, code] of mistakes) {
      const { error } = (await (await response).json()) as { error: { code?: string; message: string } };
      expect({ status: (await response).status, code: error.code }).toEqual({ status, code });
    }
  } finally {
    expect(await stopped(running)).toBe(0);
  }
  expect(running.stderr()).toBe('');
});

/** A picture on its way: the service has it, when this resolves. */
async function sent(url: string, body: Buffer): Promise<{ call: ClientRequest; status: Promise<number | undefined> }> {
  const call = request(`${url}/images`, { method: 'POST', headers: { 'content-type': 'image/jpeg' } });
  const status = once(call, 'response').then(([response]) => (response as IncomingMessage).resume().statusCode);
  status.catch(() => {});
  call.end(body);
  await once(call, 'finish');
  // Connections are taken in their order: after this answer the picture's has been.
  await fetch(`${url}/images/0/mask`);
  return { call, status };
}

test('service: more than it can queue are turned away', async () => {
  const running = await service();
  const picture = readFileSync(join(pictures, readdirSync(pictures)[0]!));
  const answers = await Promise.all(Array.from({ length: 12 }, () => post(running.url, picture)));
  const count = (status: number) => answers.filter((answer) => answer.status === status).length;
  expect(count(503)).toBeGreaterThan(0);
  expect(count(200)).toBeGreaterThanOrEqual(8);
  expect(count(200) + count(503)).toBe(12);
  expect(answers.find(({ status }) => status === 503)!.headers.get('retry-after')).toBe('5');
  expect(await stopped(running)).toBe(0);
});

test('service: who hangs up is not waited for, and a stop answers who is there', async () => {
  const running = await service();
  const picture = readFileSync(join(pictures, readdirSync(pictures)[0]!));
  const leaving = await sent(running.url, picture);
  leaving.call.destroy();
  await expect(leaving.status).rejects.toThrow('socket hang up');
  const staying = await sent(running.url, picture);
  const code = stopped(running);
  expect(await staying.status).toBe(200);
  expect(await code).toBe(0);
  expect(running.stderr()).toBe('');
});
