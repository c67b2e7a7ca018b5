/**
 * The writing half of the small Hugging Face Hub for tests: who asks, repositories and branches to be made, which files go to LFS, uploads
 * in one piece and in parts, and commits that name what has arrived. As @huggingface/hub 2.17.5 asks, and the real one answers.
 */
import { createHash, randomBytes } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { type HubServer, hashOf, refuse, sendJson } from './hub-server.js';

interface Commit {
  summary: string;
  parent: string | undefined;
  paths: string[];
}

interface LfsObject {
  oid: string;
  size: number;
}

export class HubWrites {
  /** What has been uploaded, by SHA-256: a commit may name it. */
  readonly store = new Map<string, Buffer>();
  /** Commits that were made, in order. */
  readonly commits: Commit[] = [];
  /** Bytes after which the line is cut, one for each of the next uploads; undefined lets one through. */
  readonly breaks: (number | undefined)[] = [];
  /** Tokens that may only read. */
  readonly readers: string[] = [];
  /** Bytes of a part, where uploads of more come in parts. */
  partBytes: number | undefined;
  /** So many of the next commits find that somebody else was faster. */
  conflicts = 0;
  /** So many of the next commits are made, and their answer is lost. */
  lostAnswers = 0;
  /** So many of the next requests find the server overloaded. */
  busy = 0;
  readonly #parts = new Map<string, Buffer[]>();

  constructor(readonly hub: HubServer) {}

  /** Answers a request that writes, or asks who may. Returns false for others. */
  route(request: IncomingMessage, response: ServerResponse, { pathname }: URL): boolean {
    const make = request.method === 'POST' && pathname === '/api/repos/create';
    const [, api, action, branch] =
      /^\/api\/models\/([^/]+\/[^/]+)\/(preupload|commit|branch)\/(.+)$/.exec(pathname) ?? [];
    const lfs = /^\/([^/]+\/[^/]+)\.git\/info\/lfs\/objects\/batch$/.exec(pathname)?.[1];
    if (pathname !== '/api/whoami-v2' && !make && api === undefined && lfs === undefined) return false;
    void this.#answer(request, response, {
      make,
      name: api ?? lfs,
      action,
      branch: branch && decodeURIComponent(branch),
    });
    return true;
  }

  async #answer(
    request: IncomingMessage,
    response: ServerResponse,
    asked: { make: boolean; name: string | undefined; action: string | undefined; branch: string | undefined },
  ): Promise<void> {
    const text = (await bodyOf(request)).toString();
    const token = request.headers.authorization?.replace('Bearer ', '') ?? '';
    const { make, name, action, branch } = asked;
    if (this.busy-- > 0) return void refuse(response, 503);
    this.busy = 0;
    if (!this.hub.tokens.includes(token)) return void refuse(response, 401);
    const role = this.readers.includes(token) ? 'read' : 'write';
    if (make) return this.#create(response, JSON.parse(text), role);
    if (name === undefined)
      return sendJson(response, {
        type: 'user',
        name: 'me',
        auth: { type: 'access_token', accessToken: { displayName: 't', role } },
      });
    const repository = this.hub.repositories[name];
    if (repository === undefined) return void refuse(response, 404, 'RepoNotFound');
    if (role === 'read') return void refuse(response, 403);
    if (action === 'branch') {
      if (branch! in repository.refs) return void refuse(response, 409);
      repository.refs[branch!] = repository.refs.main!;
      return sendJson(response, {});
    }
    if (action === 'preupload') return this.#preupload(response, JSON.parse(text));
    if (action === 'commit') return this.#commit(response, { name, branch: branch! }, text);
    return this.#batch(response, JSON.parse(text));
  }

  #create(
    response: ServerResponse,
    asked: { organization: string; name: string; visibility: string },
    role: string,
  ): void {
    const name = `${asked.organization}/${asked.name}`;
    if (role === 'read' || asked.organization === 'others') return void refuse(response, 403);
    if (name in this.hub.repositories) return void refuse(response, 409);
    const first = newCommit();
    const attributes = { bytes: Buffer.from('*.safetensors filter=lfs\n'), lfs: false };
    this.hub.repositories[name] = {
      commits: { [first]: { '.gitattributes': attributes } },
      refs: { main: first },
      ...(asked.visibility === 'private' && { token: this.hub.tokens[0]! }),
    };
    sendJson(response, { url: `${this.hub.url}/${name}`, id: 'x' });
  }

  #preupload(response: ServerResponse, { files }: { files: { path: string; size: number }[] }): void {
    const modes = files.map(({ path }) => ({
      path,
      uploadMode: /\.(safetensors|pth|onnx)$/.test(path) ? 'lfs' : 'regular',
    }));
    sendJson(response, { files: modes });
  }

  /** Says where what is missing goes; of what is there nothing is wanted. */
  #batch(response: ServerResponse, { objects, transfers }: { objects: LfsObject[]; transfers: string[] }): void {
    const answer = objects.map(({ oid, size }) => {
      if (this.store.has(oid)) return { oid, size };
      const place = `${this.hub.filesUrl}/upload/${oid}`;
      if (this.partBytes === undefined || size <= this.partBytes)
        return { oid, size, actions: { upload: { href: place } } };
      const count = Math.ceil(size / this.partBytes);
      const parts = Array.from({ length: count }, (_, index) => [
        String(index + 1).padStart(5, '0'),
        `${place}/${index + 1}`,
      ]);
      const header = { chunk_size: String(this.partBytes), ...Object.fromEntries(parts) };
      return { oid, size, actions: { upload: { href: `${place}/complete`, header } } };
    });
    sendJson(response, { transfer: transfers.includes('xet') ? 'xet' : 'basic', objects: answer });
  }

  /** Takes what is uploaded to the server of the big files. */
  async take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const [, oid, part] = /^\/upload\/([0-9a-f]{64})(?:\/(\w+))?/.exec(request.url!)!;
    const cut = request.method === 'PUT' ? this.breaks.shift() : undefined;
    const bytes = await bodyOf(request, cut).catch(() => undefined);
    if (bytes === undefined) return;
    if (part === undefined) return void this.#keep(response, oid!, bytes);
    const parts = this.#parts.get(oid!) ?? [];
    this.#parts.set(oid!, parts);
    if (part === 'complete') {
      const named = JSON.parse(bytes.toString()) as { parts: { partNumber: number; etag: string }[] };
      const right = named.parts.every(({ partNumber, etag }) => etag === hashOf(parts[partNumber - 1]!));
      return void (right ? this.#keep(response, oid!, Buffer.concat(parts)) : refuse(response, 400));
    }
    parts[Number(part) - 1] = bytes;
    response.writeHead(200, { etag: hashOf(bytes) }).end();
  }

  #keep(response: ServerResponse, oid: string, bytes: Buffer): void {
    if (hashOf(bytes) !== oid) return void refuse(response, 400);
    this.store.set(oid, bytes);
    response.writeHead(200).end('{}');
  }

  #commit(response: ServerResponse, { name, branch }: { name: string; branch: string }, text: string): void {
    const repository = this.hub.repositories[name]!;
    const [header, ...operations] = text
      .split('\n')
      .map((line) => JSON.parse(line) as { key: string; value: Record<string, string> });
    const { summary, parentCommit: parent } = header!.value;
    if (this.conflicts > 0) {
      this.conflicts--;
      const theirs = newCommit();
      repository.commits[theirs] = {
        ...repository.commits[repository.refs[branch]!]!,
        'theirs.txt': { bytes: Buffer.from(theirs), lfs: false },
      };
      repository.refs[branch] = theirs;
    }
    const head = repository.refs[branch]!;
    if (parent !== undefined && parent !== head) return void refuse(response, 412);
    const files = { ...repository.commits[head]! };
    for (const { key, value } of operations) {
      const bytes = key === 'lfsFile' ? this.store.get(value.oid!) : Buffer.from(value.content!, 'base64');
      if (bytes === undefined) return void refuse(response, 400);
      files[value.path!] = { bytes, lfs: key === 'lfsFile' };
    }
    const commit = newCommit();
    repository.commits[commit] = files;
    repository.refs[branch] = commit;
    this.commits.push({ summary: summary!, parent, paths: operations.map(({ value }) => value.path!) });
    if (this.lostAnswers-- > 0) return void response.destroy();
    this.lostAnswers = 0;
    sendJson(response, { success: true, commitOid: commit, commitUrl: `${this.hub.url}/${name}/commit/${commit}` });
  }
}

const newCommit = () => createHash('sha1').update(randomBytes(8)).digest('hex');

/** The body of a request; `cut` bytes of it, then the line breaks. */
async function bodyOf(request: IncomingMessage, cut?: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    length += chunk.length;
    if (cut === undefined || length < cut) continue;
    request.socket.destroy();
    throw new Error('cut');
  }
  return Buffer.concat(chunks);
}
