import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SamError } from '../../lib/core/errors.js';
import { download } from '../../lib/hub/download.js';

const content = Buffer.from(Array.from({ length: 300_000 }, (_, i) => (i * 31 + (i >> 8)) & 255));
const hash = createHash('sha256').update(content).digest('hex');

let folder: string;
let path: string;
let server: Server | undefined;
/** The Range header of each request, in order. */
let ranges: (string | undefined)[];

type Handler = (request: IncomingMessage, response: ServerResponse, n: number) => void;

async function serve(handler: Handler): Promise<string> {
  server = createServer((request, response) => {
    ranges.push(request.headers.range);
    handler(request, response, ranges.length);
  });
  await new Promise<void>((resolve) => server!.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/weights.pt`;
}

/** Answers as a server of files does: the whole, or the rest that was asked for. */
function sendFile(request: IncomingMessage, response: ServerResponse, body = content): void {
  const start = Number(/bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1] ?? 0);
  if (start >= body.length) {
    response.writeHead(416, { 'content-range': `bytes */${body.length}` }).end();
    return;
  }
  const rest = body.subarray(start);
  const range = start > 0 ? { 'content-range': `bytes ${start}-${body.length - 1}/${body.length}` } : {};
  response.writeHead(start > 0 ? 206 : 200, { 'content-length': rest.length, ...range }).end(rest);
}

/** Sends only `bytes` of what it promised, then cuts the line. */
function breakAfter(response: ServerResponse, bytes: number, start = 0): void {
  response.writeHead(start > 0 ? 206 : 200, { 'content-length': content.length - start });
  response.write(content.subarray(start, start + bytes), () => setTimeout(() => response.destroy(), 20));
}

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sam-download-'));
  path = join(folder, 'cache', 'weights.pt');
  ranges = [];
});

afterEach(async () => {
  server?.closeAllConnections();
  await new Promise((resolve) => (server === undefined ? resolve(undefined) : server.close(resolve)));
  server = undefined;
  await rm(folder, { recursive: true, force: true });
});

describe('download', () => {
  it('follows a redirect, tells progress, leaves only the file', async () => {
    const url = await serve((request, response, n) => {
      if (n === 1) response.writeHead(302, { location: '/elsewhere' }).end();
      else sendFile(request, response);
    });
    const seen: [number, number | undefined][] = [];
    await download({ url, path, sha256: hash, onProgress: ({ done, total }) => seen.push([done, total]) });
    expect(await readFile(path)).toEqual(content);
    expect(seen.at(-1)).toEqual([content.length, content.length]);
    expect(await readdir(join(folder, 'cache'))).toEqual(['weights.pt']);
  });

  it('asks for the rest after a broken connection', async () => {
    const url = await serve((request, response, n) => {
      if (n === 1) breakAfter(response, 100_000);
      else sendFile(request, response);
    });
    await download({ url, path, sha256: hash, pauseMs: 1 });
    expect(await readFile(path)).toEqual(content);
    expect(ranges).toEqual([undefined, 'bytes=100000-']);
  });

  it('keeps what came when it gives up, and a later call resumes it', async () => {
    const url = await serve((request, response, n) => {
      if (n <= 2) breakAfter(response, n === 1 ? 50_000 : 0, n === 1 ? 0 : 50_000);
      else sendFile(request, response);
    });
    await expect(download({ url, path, sha256: hash, attempts: 2, pauseMs: 1 })).rejects.toMatchObject({
      code: 'SAM_NETWORK',
    });
    expect((await readFile(`${path}.partial`)).length).toBe(50_000);
    await download({ url, path, sha256: hash, attempts: 1 });
    expect(ranges.at(-1)).toBe('bytes=50000-');
    expect(await readdir(join(folder, 'cache'))).toEqual(['weights.pt']);
  });

  it('takes over what a killed process left', async () => {
    const url = await serve((request, response) => sendFile(request, response));
    await download({ url, path, sha256: hash });
    await rm(path);
    // Of another number, or of this one in a container that is gone.
    for (const pid of [4194999, process.pid]) {
      const left = `${path}.${pid}-abc.partial`;
      await rm(path, { force: true });
      await writeFile(left, content.subarray(0, 1000));
      await utimes(left, 1000, 1000);
      await download({ url, path, sha256: hash });
      expect(ranges.at(-1)).toBe('bytes=1000-');
      expect(await readdir(join(folder, 'cache'))).toEqual(['weights.pt']);
    }
  });

  it('starts over when a server ignores the range', async () => {
    const url = await serve((_request, response) => {
      response.writeHead(200, { 'content-length': content.length }).end(content);
    });
    await download({ url, path, sha256: hash });
    await rm(path);
    await writeFile(`${path}.partial`, Buffer.alloc(1000, 7));
    await download({ url, path, sha256: hash });
    expect(await readFile(path)).toEqual(content);
  });

  it('starts over when the part that was there is of another file', async () => {
    const url = await serve((request, response) => sendFile(request, response));
    await download({ url, path, sha256: hash });
    await rm(path);
    await writeFile(`${path}.partial`, Buffer.alloc(1000, 7));
    await download({ url, path, sha256: hash });
    expect(await readFile(path)).toEqual(content);
    expect(ranges).toEqual([undefined, 'bytes=1000-', undefined]);
  });

  it('starts over when the part is longer than the file', async () => {
    const url = await serve((request, response) => sendFile(request, response));
    await download({ url, path, sha256: hash });
    await rm(path);
    await writeFile(`${path}.partial`, Buffer.alloc(content.length + 5));
    await download({ url, path, sha256: hash, pauseMs: 1 });
    expect(await readFile(path)).toEqual(content);
  });

  it('refuses another file, and leaves nothing of it', async () => {
    const url = await serve((request, response) => sendFile(request, response, Buffer.from('not weights')));
    await expect(download({ url, path, sha256: hash })).rejects.toThrow(/SHA-256 [0-9a-f]{64}, not/);
    expect(await readdir(join(folder, 'cache'))).toEqual([]);
    expect(ranges).toHaveLength(2);
  });

  it('takes the right file when it comes at the second try', async () => {
    const url = await serve((request, response, n) =>
      sendFile(request, response, n === 1 ? Buffer.from('no') : content),
    );
    await download({ url, path, sha256: hash });
    expect(await readFile(path)).toEqual(content);
  });

  it('checks by the hash of git too', async () => {
    const url = await serve((request, response) => sendFile(request, response, Buffer.from('hello\n')));
    // git hash-object says so
    await download({ url, path, gitHash: 'ce013625030ba8dba906f756967f9e9ca394464a' });
    expect(await readFile(path, 'utf8')).toBe('hello\n');
    await expect(download({ url, path, gitHash: 'f'.repeat(40) })).rejects.toThrow(
      /git hash ce013[0-9a-f]{35}, not fff/,
    );
  });

  it("asks with the caller's fetch, and ends on its SamError", async () => {
    const refusal = new SamError('SAM_NO_ACCESS', 'no');
    let asked = 0;
    const refusing = async () => {
      asked++;
      throw refusal;
    };
    await expect(download({ url: 'http://x/', path, sha256: hash, fetch: refusing })).rejects.toBe(refusal);
    expect(asked).toBe(1);
  });

  it('does not ask again where the server refuses', async () => {
    const url = await serve((_request, response) => response.writeHead(404).end('no such file'));
    await expect(download({ url, path, sha256: hash, pauseMs: 1 })).rejects.toThrow(/404 Not Found/);
    expect(ranges).toHaveLength(1);
  });

  it('asks again where the server is overloaded', async () => {
    const url = await serve((request, response, n) => {
      if (n < 3) response.writeHead(503).end();
      else sendFile(request, response);
    });
    await download({ url, path, sha256: hash, pauseMs: 1 });
    expect(ranges).toHaveLength(3);
  });

  it('gives up a connection that has gone silent', async () => {
    const url = await serve((_request, response) => {
      response.writeHead(200, { 'content-length': content.length });
      response.write(content.subarray(0, 10));
    });
    await expect(download({ url, path, sha256: hash, attempts: 1, stallMs: 100 })).rejects.toThrow(/nothing came/);
  });

  it('stops when aborted, with the reason, and keeps the part', async () => {
    const controller = new AbortController();
    const url = await serve((_request, response) => {
      response.writeHead(200, { 'content-length': content.length });
      response.write(content.subarray(0, 10_000));
    });
    const reason = new Error('enough');
    const work = download({
      url,
      path,
      sha256: hash,
      signal: controller.signal,
      onProgress: () => controller.abort(reason),
    });
    await expect(work).rejects.toBe(reason);
    expect((await readFile(`${path}.partial`)).length).toBe(10_000);
  });

  it('says which host cannot be reached', async () => {
    const url = 'http://127.0.0.1:1/weights.pt';
    await expect(download({ url, path, sha256: hash, attempts: 1 })).rejects.toThrow(/cannot download http:\/\/127/);
  });
});
