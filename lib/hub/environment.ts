/**
 * What the environment says of the Hugging Face Hub, read as Python's huggingface_hub reads it: where it is, who asks, whether
 * it may be asked at all, and where its cache lies. (The JavaScript library reads only the cache's place of these.)
 */
import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { SamError, systemCode } from '../core/errors.js';

/** The user's token, and where it was found. */
export interface HubToken {
  readonly value: string;
  /** Variable or file that the token was found in, for messages. */
  readonly source: string;
}

/** What the environment says of the Hub. */
export interface HubEnvironment {
  /** Address of the Hub, without a slash at its end. */
  readonly endpoint: string;
  /** Token to ask with, if there is one. */
  readonly token: HubToken | undefined;
  /** Variable that forbids the network, as `NAME=value`; undefined where the network may be used. */
  readonly offline: string | undefined;
  /** Folder of `models--owner--name` and the like, shared with Python. */
  readonly cacheDir: string;
  /** Milliseconds after which a question to the API is given up. */
  readonly timeoutMs: number;
}

/**
 * Reads what the environment says of the Hub.
 *
 * @throws SamError `SAM_BAD_OPTION`: an endpoint or a token that can't be one.
 */
export function hubEnvironment(env: NodeJS.ProcessEnv = process.env): HubEnvironment {
  const home = env.HF_HOME || join(env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'huggingface');
  return {
    endpoint: endpointOf(env),
    token: tokenOf(env, home),
    offline: offlineOf(env),
    cacheDir: absolute(env.HF_HUB_CACHE || env.HUGGINGFACE_HUB_CACHE || join(home, 'hub')),
    timeoutMs: (Number(env.HF_HUB_ETAG_TIMEOUT) || 10) * 1000,
  };
}

function endpointOf(env: NodeJS.ProcessEnv): string {
  const endpoint = (env.HF_ENDPOINT || 'https://huggingface.co').replace(/\/+$/, '');
  if (/^https?:\/\//.test(endpoint) && URL.canParse(endpoint)) return endpoint;
  throw new SamError('SAM_BAD_OPTION', `HF_ENDPOINT is not an address: ${endpoint}`, {
    fix: 'give it with https://, as in HF_ENDPOINT=https://huggingface.co, or unset it',
  });
}

function tokenOf(env: NodeJS.ProcessEnv, home: string): HubToken | undefined {
  if (isTrue(env.HF_HUB_DISABLE_IMPLICIT_TOKEN)) return undefined;
  const path = absolute(env.HF_TOKEN_PATH || join(home, 'token'));
  const places = [
    { source: 'HF_TOKEN', read: () => env.HF_TOKEN },
    { source: 'HUGGING_FACE_HUB_TOKEN', read: () => env.HUGGING_FACE_HUB_TOKEN },
    { source: path, read: () => readIfThere(path) },
  ];
  for (const { source, read } of places) {
    const value = read()?.trim();
    if (!value) continue;
    if (/^[\x21-\x7e]+$/.test(value)) return { value, source };
    throw new SamError('SAM_BAD_OPTION', `the token in ${source} has characters that no token has`, {
      fix: 'copy it again from https://huggingface.co/settings/tokens',
    });
  }
  return undefined;
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes(systemCode(error) ?? '')) return undefined;
    throw error;
  }
}

function offlineOf(env: NodeJS.ProcessEnv): string | undefined {
  const name = env.HF_HUB_OFFLINE ? 'HF_HUB_OFFLINE' : 'TRANSFORMERS_OFFLINE';
  return isTrue(env[name]) ? `${name}=${env[name]}` : undefined;
}

function isTrue(value: string | undefined): boolean {
  return /^(1|true|on|yes)$/i.test(value ?? '');
}

/** Makes a path absolute, and expands `~` as Python's `expanduser` does: no shell has expanded the variables. */
function absolute(path: string): string {
  return resolve(path.replace(/^~(?=$|[/\\])/, homedir()));
}
