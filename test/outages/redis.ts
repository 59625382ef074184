import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { freePort } from '../support/free-port.ts';

/** A Redis server of its own, which can be killed and started again at the same address. */
export class MortalRedis {
  readonly url: string;
  #port: number;
  #child: ChildProcess | null = null;

  private constructor(port: number) {
    this.#port = port;
    this.url = `redis://127.0.0.1:${port}`;
  }

  static async open(): Promise<MortalRedis> {
    const redis = new MortalRedis(await freePort());
    await redis.start();
    return redis;
  }

  async start(): Promise<void> {
    const child = spawn('redis-server', ['--port', String(this.#port), '--bind', '127.0.0.1', '--save', ''], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    this.#child = child;
    await Promise.race([
      new Promise<void>((resolve) => {
        child.stdout?.on('data', (chunk) => String(chunk).includes('Ready to accept') && resolve());
      }),
      once(child, 'error').then(([error]) => Promise.reject(error)),
      once(child, 'exit').then(() => Promise.reject(new Error('redis-server ended.'))),
    ]);
  }

  async kill(): Promise<void> {
    const child = this.#child;
    if (child === null || child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGKILL');
    await once(child, 'exit');
  }
}
