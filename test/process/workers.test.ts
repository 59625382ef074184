import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { GraphQLClient } from 'graphql-request';
import { describe, expect, onTestFinished, test } from 'vitest';
import { createOrder } from '../support/orders.ts';
import { makeHome, spawnScript } from '../support/server-process.ts';
import { wsClient } from '../support/subscriber.ts';
import type { TestApp } from '../support/test-app.ts';

const provider = {
  STRIPE_SECRET_KEY: 'sk_test_workers',
  STRIPE_PUBLISHABLE_KEY: 'pk_test_workers',
  STRIPE_WEBHOOK_SECRETS: 'whsec_0123456789',
  STRIPE_ACCOUNT: 'acct_workers',
  STRIPE_API_BASE: 'http://127.0.0.1:9',
};
const token = 'dev_token_of_the_workers';

test.each([
  ['without PostgreSQL', ['--workers', '2'], { DATABASE_URL: '' }, '--workers needs PostgreSQL'],
  [
    'with the sandbox',
    ['--workers', '2'],
    { DATABASE_URL: 'postgresql://127.0.0.1:9/none' },
    '--workers needs a provider',
  ],
  ['none at all', ['--workers', '0'], {}, '--workers must be a number from 1 to 64.'],
])('workers %s are refused with a sentence', async (_what, args, environment, sentence) => {
  const child = spawnScript(await makeHome(), 'start', args, environment);
  const [said, [code]] = await Promise.all([text(child.stderr), once(child, 'exit')]);
  expect(said).toContain(sentence);
  expect(code).toBe(1);
});

/** The processes that a process has started. */
function childrenOf(pid: number): number[] {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number);
}

describe.runIf(process.env.DATABASE_URL)('two workers on one port', () => {
  test('serve one API: subscribers of both hear every event, and a worker that dies is replaced', async () => {
    const home = await makeHome();
    const child = spawnScript(home, 'start', ['--workers', '2'], {
      ...{ ...provider, DEV_API_KEY: token, PORT: String(home.port) },
    });
    onTestFinished(() => void child.kill('SIGKILL'));
    const ended = once(child, 'exit');
    const errors = createInterface({ input: child.stderr });
    const said: string[] = [];
    errors.on('line', (line) => said.push(line));
    child.stdout.resume();
    const url = `http://127.0.0.1:${home.port}`;
    const pid = child.pid ?? 0;
    await expect.poll(() => childrenOf(pid).length, { timeout: 120_000 }).toBe(2);
    await expect.poll(() => isReady(url), { timeout: 120_000 }).toBe(true);

    const client = new GraphQLClient(`${url}/graphql`, { headers: { authorization: `Bearer ${token}` } });
    const at = { app: { url }, token, client } as unknown as TestApp; // what the helpers below use of it
    await createOrder(at);
    const { orders } = await client.request<{ orders: { eventCursor: string } }>(
      '{ orders(first: 1) { eventCursor } }',
    );
    // More sockets than workers: they are dealt out in turn.
    const clients = Array.from({ length: 4 }, () => wsClient(at));
    const iterators = clients.map((client) =>
      client.iterate<{ merchantEvents: { orderId: string } }>({
        query: 'subscription($after: EventCursor) { merchantEvents(after: $after) { orderId } }',
        variables: { after: orders.eventCursor },
      }),
    );
    const { id } = await createOrder(at);
    // Events from before the cursor may have been held back, and come first.
    const untilHeard = async (events: (typeof iterators)[number]) => {
      let heard = '';
      while (heard !== id) {
        const { value, done } = await events.next();
        if (done) throw new Error(`The subscription ended before ${id} came.`);
        heard = value.data?.merchantEvents.orderId ?? '';
      }
      return heard;
    };
    expect(await Promise.all(iterators.map(untilHeard))).toEqual(clients.map(() => id));
    await Promise.all(clients.map((client) => client.dispose()));

    const [first = 0, second = 0] = childrenOf(pid);
    process.kill(first, 'SIGKILL');
    await expect.poll(() => childrenOf(pid).filter((child) => child !== first).length, { timeout: 120_000 }).toBe(2);
    expect(childrenOf(pid)).toContain(second);
    expect(said.join('\n')).toContain(`Worker ${first} has ended.`);
    await expect.poll(() => isReady(url), { timeout: 120_000 }).toBe(true);
    child.kill('SIGTERM');
    expect(await ended).toEqual([0, null]);
  });
});

async function isReady(url: string): Promise<boolean> {
  const response = await fetch(`${url}/readyz`).catch(() => null);
  return response?.status === 200;
}
