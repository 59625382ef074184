import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { secretKey, stripeAt } from './rig.ts';

const program = new URL('../../sandbox/main.ts', import.meta.url);
const complete = {
  SANDBOX_PORT: '0',
  SANDBOX_STRIPE_SECRET_KEY: secretKey,
  SANDBOX_STRIPE_PUBLISHABLE_KEY: 'pk_test_main',
  SANDBOX_STRIPE_WEBHOOK_SECRET: 'whsec_main',
};

function start(env: Record<string, string>): ChildProcess {
  const options = { execArgv: ['--import', 'tsx'], env: { PATH: process.env.PATH, ...env }, silent: true };
  const child = fork(program, options);
  onTestFinished(() => void child.kill('SIGKILL'));
  return child;
}

async function message(child: ChildProcess): Promise<{ type: string; url?: string; message?: string }> {
  const [first] = await once(child, 'message');
  return first;
}

test('it sends its URL to its parent, serves, and exits when the parent exits', async () => {
  const child = start(complete);
  const ready = await message(child);
  expect(ready.type).toBe('ready');
  expect((await stripeAt(ready.url ?? '').paymentIntents.list()).data).toEqual([]);
  const exit = once(child, 'exit');
  child.disconnect();
  await exit;
});

test('all problems of the environment are reported together', async () => {
  const child = start({ SANDBOX_PORT: 'many', SANDBOX_STRIPE_SECRET_KEY: 'sk_live_no' });
  const exit = once(child, 'exit');
  const failed = await message(child);
  expect(failed.type).toBe('failed');
  for (const name of ['SANDBOX_PORT', 'STRIPE_SECRET_KEY', 'STRIPE_PUBLISHABLE_KEY', 'STRIPE_WEBHOOK_SECRET']) {
    expect(failed.message).toContain(name);
  }
  expect((await exit)[0]).toBe(1);
});

test('a port that stays in use ends the start with a message that names SANDBOX_PORT', async () => {
  const holder = createServer();
  await new Promise<void>((resolve) => holder.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void holder.close());
  const { port } = holder.address() as AddressInfo;
  const failed = await message(start({ ...complete, SANDBOX_PORT: String(port) }));
  expect(failed).toMatchObject({ type: 'failed', message: expect.stringContaining('SANDBOX_PORT') });
});

test('a port that is released within moments is used', async () => {
  const holder = createServer();
  await new Promise<void>((resolve) => holder.listen(0, '127.0.0.1', resolve));
  const { port } = holder.address() as AddressInfo;
  const child = start({ ...complete, SANDBOX_PORT: String(port) });
  const ready = message(child);
  await once(child, 'spawn');
  holder.close();
  expect(await ready).toMatchObject({ type: 'ready', url: `http://127.0.0.1:${port}` });
});
