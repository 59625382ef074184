import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { GraphQLClient } from 'graphql-request';
import { createTestDatabaseUrl, makeTestDataDir } from './database.ts';
import { freePort } from './free-port.ts';

export const projectRoot = fileURLToPath(new URL('../..', import.meta.url));

/** What outlives the server: its data directory, its database, its ports. */
export type Home = {
  readonly dataDir: string;
  readonly databaseUrl: string | null;
  readonly port: number;
  readonly sandboxPort: number;
};

export async function makeHome(): Promise<Home> {
  const [port, sandboxPort] = [await freePort(), await freePort()];
  return { dataDir: makeTestDataDir(), databaseUrl: await createTestDatabaseUrl(), port, sandboxPort };
}

/** The product as a user starts it: a process of its own, with the sandbox that it brings along. */
export type ServerProcess = {
  readonly banner: readonly string[];
  readonly url: string;
  readonly sandboxUrl: string;
  readonly token: string;
  readonly client: GraphQLClient;
  /** As a power switch for the process: no signal handler runs. */
  kill(): Promise<void>;
  /** As an operator stops it. Resolves to the exit code. */
  stop(): Promise<number | null>;
  /** Resolves when it has ended of itself, or otherwise, to the signal that ended it. */
  readonly ended: Promise<NodeJS.Signals | null>;
};

/** How the last line of a start begins. */
const lastLine = 'Token ';

/** Starts the server and waits for its banner. */
export async function startServerProcess(
  home: Home,
  environment: Readonly<Record<string, string>> = {},
): Promise<ServerProcess> {
  const child = spawnServer(home, environment);
  const banner: string[] = [];
  let complaint = '';
  child.stderr.on('data', (chunk) => {
    complaint += String(chunk);
  });
  for await (const line of createInterface({ input: child.stdout })) {
    banner.push(line);
    if (line.startsWith(lastLine)) break;
  }
  const text = banner.join('\n');
  const [, url = ''] = /(http:\/\/\S+)\/graphql/.exec(text) ?? [];
  const [, sandboxUrl = ''] = /(http:\/\/\S+) stands/.exec(text) ?? [];
  const [, token = ''] = /Bearer (\S+)/.exec(text) ?? [];
  if (token === '') throw new Error(`The server did not start: ${banner.join('\n')} ${complaint}`);
  const ended = once(child, 'exit');
  child.stdout.resume();
  return {
    ...{ banner, url, sandboxUrl, token },
    client: new GraphQLClient(`${url}/graphql`, { headers: { authorization: `Bearer ${token}` } }),
    ended: ended.then(([_code, signal]) => signal),
    async kill() {
      child.kill('SIGKILL');
      await ended;
    },
    async stop() {
      child.kill('SIGTERM');
      const [code] = await ended;
      return code;
    },
  };
}

export function spawnServer(
  home: Home,
  environment: Readonly<Record<string, string>> = {},
): ChildProcessByStdio<Writable, Readable, Readable> {
  const { port, sandboxPort } = home;
  return spawnScript(home, 'start', [], { PORT: String(port), SANDBOX_PORT: String(sandboxPort), ...environment });
}

/** A command as an operator runs it, until its end. */
export async function runScript(
  home: Home,
  name: 'reconcile' | 'paystream',
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
  input = '',
): Promise<{ output: string; complaint: string; code: number | null }> {
  const child = spawnScript(home, name, args, { PORT: '0', SANDBOX_PORT: '0', ...environment });
  child.stdin.end(input);
  const [output, complaint, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'exit')]);
  return { output, complaint, code };
}

export function spawnScript(
  { dataDir, databaseUrl }: Home,
  name: string,
  args: readonly string[],
  environment: Readonly<Record<string, string>>,
): ChildProcessByStdio<Writable, Readable, Readable> {
  const { DATABASE_URL: _ours, NODE_ENV: _test, ...env } = process.env;
  return spawn(process.execPath, [`scripts/${name}.mjs`, ...args], {
    cwd: projectRoot,
    env: { ...env, ...(databaseUrl !== null && { DATABASE_URL: databaseUrl }), DATA_DIR: dataDir, ...environment },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
}
