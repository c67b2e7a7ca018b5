/**
 * A small Hugging Face Hub for tests: the API's answers for a repository and its listing, in pages, files with their headers,
 * and a second server on another port that the big ones are redirected to, as on the real one. hub-writes.ts takes what is written.
 */
import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import { HubWrites } from './hub-writes.js';

export const hashOf = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');
export const gitHashOf = (bytes: Buffer) =>
  createHash('sha1').update(`blob ${bytes.length}\0`).update(bytes).digest('hex');

export interface FakeFile {
  bytes: Buffer;
  /** Stored in LFS: known by its SHA-256, delivered by the other server. */
  lfs: boolean;
}

export interface FakeRepository {
  /** A data set: its address is another. */
  dataset?: boolean;
  /** Files by commit. */
  commits: Record<string, Record<string, FakeFile>>;
  /** Commits by branch or tag. */
  refs: Record<string, string>;
  /** Only with this token. */
  token?: string;
  /** Everyone sees that it exists; its files need the token. */
  gated?: boolean;
}

export interface SeenRequest {
  method: string;
  server: 'hub' | 'files';
  path: string;
  authorization: string | undefined;
  range: string | undefined;
}

export class HubServer {
  readonly repositories: Record<string, FakeRepository> = {};
  readonly requests: SeenRequest[] = [];
  /** What is written to it. */
  readonly writes = new HubWrites(this);
  /** Tokens that are someone's; any other is refused whatever it asks for. */
  readonly tokens: string[] = [];
  pageSize = 1000;
  /** The listing's further pages are at the other server. */
  pagesElsewhere = false;
  /** Bytes after which the line is cut, one for each of the next deliveries of a big file. */
  readonly breaks: number[] = [];
  /** So many of the next deliveries of big files have one byte changed. */
  spoiled = 0;
  /** The API answers this status, whatever it is asked. */
  broken: number | undefined;
  /** So does the server of the big files. */
  filesBroken: number | undefined;
  /** Answers in the place of the API. */
  instead: ((response: ServerResponse) => void) | undefined;
  #hub!: Server;
  #files!: Server;

  static async start(): Promise<HubServer> {
    const server = new HubServer();
    server.#hub = await listen((request, response) => server.#answer(request, response));
    server.#files = await listen((request, response) => server.#deliver(request, response));
    return server;
  }

  get url(): string {
    return addressOf(this.#hub);
  }

  /** Address of the server of the big files. */
  get filesUrl(): string {
    return addressOf(this.#files);
  }

  async stop(): Promise<void> {
    for (const server of [this.#hub, this.#files]) {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    }
  }

  /** Paths asked for, without what follows the question mark. */
  paths(server: 'hub' | 'files' = 'hub'): string[] {
    return this.requests.filter((request) => request.server === server).map(({ path }) => path.split('?')[0]!);
  }

  #note(server: 'hub' | 'files', request: IncomingMessage): void {
    const { authorization, range } = request.headers;
    this.requests.push({ method: request.method!, server, path: request.url!, authorization, range });
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    this.#note('hub', request);
    if (this.instead !== undefined) this.instead(response);
    else if (this.broken !== undefined) refuse(response, this.broken);
    else this.#route(request, response, new URL(request.url!, this.url));
  }

  #route(request: IncomingMessage, response: ServerResponse, url: URL): void {
    if (this.writes.route(request, response, url)) return;
    const api = /^\/api\/(?:models|datasets)\/([^/]+\/[^/]+)\/(revision|tree)\/([^/]+)$/.exec(url.pathname);
    const file = /^\/(?:datasets\/)?([^/]+\/[^/]+)\/resolve\/([^/]+)\/(.+)$/.exec(url.pathname);
    const name = api?.[1] ?? file?.[1] ?? '';
    const repository = this.#visible(name, request, response, file !== null);
    if (repository === undefined) return;
    const asDataset = /^\/(api\/)?datasets\//.test(url.pathname);
    const revision = decodeURIComponent(api?.[3] ?? file?.[2] ?? '');
    const commit = repository.refs[revision === 'HEAD' ? 'main' : revision] ?? revision;
    const files = repository.commits[commit];
    if (asDataset !== (repository.dataset ?? false)) refuse(response, 404, 'RepoNotFound');
    else if (files === undefined) refuse(response, 404, 'RevisionNotFound');
    else if (file !== null) this.#resolve(request, response, commit, files[decodeURIComponent(file[3]!)]);
    else if (api![2] === 'tree') this.#list(response, url, files);
    else {
      const about = { _id: 'x', id: name, sha: commit, private: repository.token !== undefined && !repository.gated };
      sendJson(response, { ...about, lastModified: '2023-05-30T00:00:00.000Z' });
    }
  }

  /** The repository, or undefined once the refusal has been sent, as the Hub sends it. */
  #visible(name: string, request: IncomingMessage, response: ServerResponse, file: boolean) {
    const token = request.headers.authorization?.replace('Bearer ', '');
    if (token !== undefined && !this.tokens.includes(token)) return void refuse(response, 401);
    const repository = this.repositories[name];
    const closed = repository?.token !== undefined && repository.token !== token;
    if (repository?.gated && closed && file) return void refuse(response, token ? 403 : 401, 'GatedRepo');
    if (repository === undefined || (closed && !repository.gated)) {
      return void refuse(response, token ? 404 : 401, 'RepoNotFound');
    }
    return repository;
  }

  #list(response: ServerResponse, url: URL, files: Record<string, FakeFile>): void {
    const start = Number(url.searchParams.get('cursor') ?? 0);
    const listed = Object.entries(files).filter(
      ([path]) => !path.includes('/') || url.searchParams.get('recursive') === 'true',
    );
    const entries = listed.map(([path, { bytes, lfs }]) => ({
      type: 'file',
      path,
      size: bytes.length,
      oid: gitHashOf(lfs ? Buffer.from(`pointer to ${hashOf(bytes)}`) : bytes),
      ...(lfs && { lfs: { oid: hashOf(bytes), size: bytes.length, pointerSize: 135 }, xetHash: 'f'.repeat(64) }),
    }));
    const all = [{ type: 'directory', path: 'folder', size: 0, oid: '0'.repeat(40) }, ...entries];
    if (start + this.pageSize < all.length) {
      url.searchParams.set('cursor', String(start + this.pageSize));
      const next = this.pagesElsewhere ? url.href.replace(this.url, addressOf(this.#files)) : url.href;
      response.setHeader('Link', `<${next}>; rel="next"`);
    }
    sendJson(response, all.slice(start, start + this.pageSize));
  }

  #resolve(request: IncomingMessage, response: ServerResponse, commit: string, file: FakeFile | undefined): void {
    response.setHeader('X-Repo-Commit', commit);
    if (file === undefined) refuse(response, 404, 'EntryNotFound');
    else if (file.lfs) this.#redirect(response, file.bytes);
    else sendSmall(request, response, file.bytes);
  }

  #redirect(response: ServerResponse, bytes: Buffer): void {
    const etag = hashOf(bytes);
    const headers = { 'X-Linked-Etag': `"${etag}"`, 'X-Linked-Size': bytes.length };
    response.writeHead(302, { ...headers, location: `${addressOf(this.#files)}/${etag}` }).end();
  }

  #deliver(request: IncomingMessage, response: ServerResponse): void {
    this.#note('files', request);
    if (this.filesBroken !== undefined) refuse(response, this.filesBroken);
    else if (request.url!.startsWith('/upload/')) void this.writes.take(request, response);
    else if (request.url!.startsWith('/api/')) this.#route(request, response, new URL(request.url!, this.url));
    else this.#deliverFile(request, response);
  }

  #deliverFile(request: IncomingMessage, response: ServerResponse): void {
    const wanted = request.url!.slice(1);
    const every = Object.values(this.repositories).flatMap(({ commits }) =>
      Object.values(commits).flatMap(Object.values),
    );
    const file = (every as FakeFile[]).find(({ bytes }) => hashOf(bytes) === wanted)!;
    const bytes = Buffer.from(file.bytes);
    if (this.spoiled > 0) {
      this.spoiled--;
      bytes[bytes.length - 1]! ^= 1;
    }
    send(request, response, bytes, this.breaks.shift());
  }
}

/** What lies between here and the Hub compresses small files for those who take it. */
function sendSmall(request: IncomingMessage, response: ServerResponse, bytes: Buffer): void {
  response.setHeader('ETag', `"${gitHashOf(bytes)}"`);
  if (/gzip/.test(request.headers['accept-encoding'] ?? '')) {
    const packed = gzipSync(bytes);
    response.writeHead(200, { 'content-encoding': 'gzip', 'content-length': packed.length }).end(packed);
  } else send(request, response, bytes);
}

/** The whole, or the rest that was asked for; `cut` bytes of it, then the line breaks. */
function send(request: IncomingMessage, response: ServerResponse, bytes: Buffer, cut?: number): void {
  const start = Number(/bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1] ?? 0);
  const rest = bytes.subarray(start);
  response.writeHead(start > 0 ? 206 : 200, {
    'content-length': rest.length,
    ...(start > 0 && { 'content-range': `bytes ${start}-${bytes.length - 1}/${bytes.length}` }),
  });
  if (cut === undefined) response.end(rest);
  else response.write(rest.subarray(0, cut), () => setTimeout(() => response.destroy(), 20));
}

export function sendJson(response: ServerResponse, value: unknown): void {
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(value));
}

export function refuse(response: ServerResponse, status: number, code?: string): void {
  response.writeHead(status, { 'content-type': 'application/json', ...(code && { 'X-Error-Code': code }) });
  response.end(JSON.stringify({ error: 'refused' }));
}

async function listen(handler: (request: IncomingMessage, response: ServerResponse) => void): Promise<Server> {
  const server = createServer(handler);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server;
}

function addressOf(server: Server): string {
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
