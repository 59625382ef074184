import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server } from 'node:net';

/**
 * A port that nobody listens on. It lies outside the range from which systems give one to whoever asks for any, and so stays free until it
 * is used, and between two starts.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(20_000, 32_000);
    const holder = await holdPort(port).catch(() => null);
    if (holder === null) continue;
    await letGo(holder);
    return port;
  }
}

/** @throws when somebody else has it. */
export async function holdPort(port: number): Promise<Server> {
  const holder = createServer().listen(port, '127.0.0.1');
  await once(holder, 'listening');
  return holder;
}

export async function letGo(holder: Server): Promise<void> {
  holder.close();
  await once(holder, 'close');
}
