import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from '../test/support/free-port.ts';
import type { Bench, Measure, Turn } from './support/bench.ts';
import { machineMs, until } from './support/clock.ts';
import { makeDatabase } from './support/database.ts';
import { isServing } from './support/product.ts';
import { median } from './support/statistics.ts';

/** How long `npm start` takes. */
export const start: Bench = {
  name: 'start',
  summary: 'from `npm start`, with the sandbox, until /readyz answers 200.',
  limitSummary: '`npm start` of an HTTP server of three lines.',
  async product(turn) {
    const measures: Measure[] = [];
    for (const kind of kinds) {
      const environment: Record<string, string> = { DATA_DIR: join(turn.tempDir, kind) };
      if (kind === 'PostgreSQL') environment.DATABASE_URL = (await makeDatabase(turn)).url;
      const target = { dir: turn.dir, environment };
      turn.say(`${kind}, first start`);
      measures.push({ name: `first start, ${kind}`, unit: 'ms', value: await timeStart(turn, target) });
      turn.say(`${kind}, existing data`);
      measures.push({ name: `start, ${kind}`, unit: 'ms', value: await timeStarts(turn, target) });
    }
    return measures;
  },
  async limit(turn) {
    const dir = join(turn.tempDir, 'bare');
    mkdirSync(dir);
    writeFileSync(join(dir, 'package.json'), '{"type": "module", "scripts": {"start": "node server.js"}}');
    writeFileSync(
      join(dir, 'server.js'),
      `import { createServer } from 'node:http';\ncreateServer((_, response) => response.end()).listen(process.env.PORT, '127.0.0.1');\n`,
    );
    const value = await timeStarts(turn, { dir, environment: {} });
    return kinds.map((kind) => ({ name: `start, ${kind}`, unit: 'ms', value }));
  },
};

const kinds = ['PostgreSQL', 'PGlite'] as const;
const startTimeoutMs = 120_000;

type Target = { readonly dir: string; readonly environment: Readonly<Record<string, string>> };

async function timeStarts(turn: Turn, target: Target): Promise<number | null> {
  const times: number[] = [];
  for (let repeat = 0; repeat < (turn.isQuick ? 1 : 5); repeat += 1) times.push(await timeStart(turn, target));
  return median(times);
}

/** From the call of npm to readiness, in milliseconds. The server is stopped again. */
async function timeStart({ scope }: Turn, { dir, environment }: Target): Promise<number> {
  const [port, sandboxPort] = [await freePort(), await freePort()];
  const beganMs = machineMs();
  const child = spawn('npm', ['start'], {
    cwd: dir,
    env: {
      PATH: process.env.PATH,
      HOME: process.env.HOME,
      PORT: String(port),
      SANDBOX_PORT: String(sandboxPort),
      ...environment,
    },
    stdio: 'ignore',
    detached: true, // a group of its own, so that npm's children are stopped with it
  });
  const ended = once(child, 'exit');
  async function close(): Promise<void> {
    if (child.exitCode !== null || child.signalCode !== null) return;
    process.kill(-(child.pid ?? 0), 'SIGTERM');
    await ended;
  }
  scope.keep({ close });
  const url = `http://127.0.0.1:${port}`;
  const isReady = await until(() => isServing(url), startTimeoutMs, 10);
  const tookMs = machineMs() - beganMs;
  if (!isReady) throw new Error(`npm start in ${dir} was not ready in time.`);
  await close();
  // npm ends before its children.
  await until(async () => !(await isServing(url)), startTimeoutMs);
  return tookMs;
}
