import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { confirmCard, createOrder, payOrder, readOrder, refreshPayment } from '../support/orders.ts';
import { isSearch } from '../support/search.ts';
import { type Home, makeHome, projectRoot, type ServerProcess, startServerProcess } from '../support/server-process.ts';
import { control } from '../support/test-app.ts';

let home: Home;
let server: ServerProcess;
beforeAll(async () => {
  home = await makeHome();
  server = await startServerProcess(home, { FAILPOINTS: 'callback.acknowledged' });
});
afterAll(() => server.kill());

test('a server that is killed loses nothing that was answered or acknowledged, and learns what it has not heard', async () => {
  const dying = server;
  const fault = (match: object) => control(dying.sandboxUrl, 'faults', { fault: 'drop', match, times: 9 });
  await fault({ type: 'payment_intent.created' });
  await fault({ type: 'charge.*' });
  const { id: silentOrderId } = await createOrder(dying);
  const silent = await payOrder(dying, silentOrderId);
  await fault({ contains: silent.id });
  await confirmCard(dying, silent);

  const answered = new Map<string, string>();
  const others = Array.from({ length: 8 }, async (_, client) => {
    for (let number = 0; ; number += 1) {
      const idempotencyKey = `client-${client}-${number}`;
      answered.set(idempotencyKey, (await createOrder(dying, { idempotencyKey })).id);
    }
  });
  const cutOff = Promise.allSettled(others);
  const { id: orderId } = await createOrder(dying);
  const paying = { idempotencyKey: 'payment' };
  const payment = await payOrder(dying, orderId, paying);
  await confirmCard(dying, payment).catch(() => null); // the sandbox ends with the server that started it
  expect(await dying.ended).toBe('SIGKILL');
  await cutOff;
  expect(answered.size).toBeGreaterThan(0);

  server = await startServerProcess(home);
  let order = await readOrder(server, orderId);
  while (order.status === 'OPEN') order = await readOrder(server, orderId);
  expect(order).toMatchObject({
    status: 'CONFIRMED',
    payments: [{ id: payment.id, status: 'SUCCEEDED', evidence: { source: 'CALLBACK' } }],
  });
  expect(order.types.filter((type) => type === 'PAYMENT_SUCCEEDED')).toHaveLength(1);
  expect(await payOrder(server, orderId, paying)).toMatchObject({ id: payment.id, status: 'SUCCEEDED' });
  for (const [idempotencyKey, id] of answered) {
    expect(await createOrder(server, { idempotencyKey })).toMatchObject({ id, version: 1 });
  }
  await refreshPayment(server, silent.id);
  expect(await readOrder(server, silentOrderId)).toMatchObject({
    payments: [{ id: silent.id, status: 'SUCCEEDED', evidence: { source: 'QUERY' } }],
  });
});

const paidOrder = [
  'ORDER_CREATED',
  'PAYMENT_STARTED',
  'PAYMENT_ACTION_REQUIRED',
  'PAYMENT_SUCCEEDED',
  'ORDER_CONFIRMED',
];

describe('the example as a process of its own', () => {
  test('the example leaves no file, and until it has ended only one that git ignores', async () => {
    const cwd = mkdtempSync(join(tmpdir(), 'paystream-example-'));
    const example = spawn(
      process.execPath,
      [
        ...['--import', import.meta.resolve('tsx'), join(projectRoot, 'examples/pay-by-card.ts')],
        ...['--token', server.token, '--url', `${server.url}/graphql`, '--sandbox', server.sandboxUrl],
      ],
      { cwd, stdio: ['ignore', 'pipe', 'inherit'] },
    );
    const ended = once(example, 'exit');
    const said = await text(example.stdout);
    expect(await ended).toEqual([0, null]);
    expect(said).toContain('ORDER_CONFIRMED');
    expect(readdirSync(cwd)).toEqual([]);
    expect(said).toMatch(/journal \.example-[\w-]+\.jsonl$/m);
    expect(readFileSync(join(projectRoot, '.gitignore'), 'utf8').split('\n')).toContain('.example-*');
  });

  test.each(isSearch ? [1, 2, 3, 4] : [2])(
    'the example, killed after %i events and started again, hears every event once and in order',
    async (killAfter) => {
      const journal = join(mkdtempSync(join(tmpdir(), 'paystream-example-')), 'journal.jsonl');
      const runExample = () =>
        spawn(
          process.execPath,
          [
            ...['--import', 'tsx', 'examples/pay-by-card.ts', '--journal', journal, '--token', server.token],
            ...['--url', `${server.url}/graphql`, '--sandbox', server.sandboxUrl],
          ],
          { cwd: projectRoot, stdio: ['ignore', 'pipe', 'inherit'] },
        );
      const heard = () =>
        readFileSync(journal, 'utf8')
          .split('\n')
          .slice(0, -1)
          .map((line) => JSON.parse(line) as { kind: string; event: { type: string } })
          .filter(({ kind }) => kind === 'event')
          .map(({ event }) => event.type);

      const first = runExample();
      const killed = once(first, 'exit');
      for await (const _line of createInterface({ input: first.stdout })) {
        if (heard().length >= killAfter) break;
      }
      first.kill('SIGKILL');
      await killed;
      const second = runExample();
      second.stdout.resume();
      expect(await once(second, 'exit')).toEqual([0, null]);
      expect(heard()).toEqual(paidOrder);
    },
  );
});
