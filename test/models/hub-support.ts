/** What the tests of Hub names share: a fake Hub, an empty cache, and an environment that names both. */
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect } from 'vitest';
import { SamError } from '../../lib/core/errors.js';
import { type FetchHubModelOptions, fetchHubModel } from '../../lib/models/hub.js';
import { type FakeFile, HubServer } from '../hub-server.js';

export const NAME = 'facebook/sam-vit-base';
export const [A, B] = ['a'.repeat(40), 'b'.repeat(40)] as const;

export let hub: HubServer;
export let folder: string;
export let cache: string;
export let env: NodeJS.ProcessEnv;
export let steps: string[];

export const bytes = (seed: number, length = 300_000) =>
  Buffer.from(Array.from({ length }, (_, i) => (i * seed + (i >> 8)) & 255));
export const plain = (value: unknown): FakeFile => ({ bytes: Buffer.from(JSON.stringify(value)), lfs: false });
export const big = (content: Buffer): FakeFile => ({ bytes: content, lfs: true });
export const config = plain({ model_type: 'sam', filler: 'x'.repeat(2000) });
export const weights = bytes(31);

/** A repository with a commit A, which `main` is. */
export function publish(files: Record<string, FakeFile>, name = NAME) {
  hub.repositories[name] = { commits: { [A]: files }, refs: { main: A } };
  return hub.repositories[name];
}

export function fetchModel(spec = NAME, options: FetchHubModelOptions = {}): Promise<string> {
  return fetchHubModel(spec, { env, pauseMs: 1, onNote: (line) => steps.push(line), ...options });
}

export async function failure(work: Promise<unknown>): Promise<SamError> {
  const error = await work.then(
    () => new Error('it worked'),
    (error: unknown) => error,
  );
  expect(error).toBeInstanceOf(SamError);
  expect((error as SamError).message).not.toContain('\n');
  return error as SamError;
}

export const repository = (name = NAME) => join(cache, `models--${name.replace('/', '--')}`);
export const offline = () => ({ env: { ...env, HF_HUB_OFFLINE: '1' } });
export const blobs = () => readdir(join(repository(), 'blobs'));

beforeEach(async () => {
  hub = await HubServer.start();
  folder = await mkdtemp(join(tmpdir(), 'sam-hub-'));
  cache = join(folder, 'home', 'hub');
  env = { HF_HOME: join(folder, 'home'), HF_ENDPOINT: hub.url };
  steps = [];
});

afterEach(async () => {
  await hub.stop();
  await rm(folder, { recursive: true, force: true });
});
