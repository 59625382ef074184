import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { isSearch } from '../support/search.ts';
import { type Home, makeHome, projectRoot, type ServerProcess, startServerProcess } from '../support/server-process.ts';

type OrderAnswer = { createOrder: { id: string; version: number } };
type PaymentAnswer = {
  payOrder: { id: string; status: string; nextAction: { clientSecret: string; publishableKey: string } | null };
};

const create = ({ client }: ServerProcess, key: string) =>
  client.request<OrderAnswer>(
    `mutation($key: String!) { createOrder(input: { idempotencyKey: $key, currency: EUR,
      lines: [{ name: "Cup", quantity: 1, unitAmountMinor: 500 }] }) { ... on Order { id version } } }`,
    { key },
  );
const pay = ({ client }: ServerProcess, key: string, orderId: string) =>
  client.request<PaymentAnswer>(
    `mutation($key: String!, $orderId: ID!) { payOrder(input: { idempotencyKey: $key, orderId: $orderId, method: CARD, flow: EMBEDDED }) {
      ... on Payment { id status nextAction { ... on ConfirmCardAction { clientSecret publishableKey } } } } }`,
    { key, orderId },
  );

async function untilConfirmed(
  { client }: ServerProcess,
  id: string,
): Promise<{ status: string; payments: { id: string; status: string }[] }> {
  for (;;) {
    const { order } = await client.request<{ order: { status: string; payments: { id: string; status: string }[] } }>(
      'query($id: ID!) { order(id: $id) { status payments { id status } } }',
      { id },
    );
    if (order.status === 'CONFIRMED') return order;
    const [payment] = order.payments;
    if (payment)
      await client.request('mutation($id: ID!) { refreshPayment(paymentId: $id) { __typename } }', { id: payment.id });
  }
}

/** The buyer confirms the payment at the sandbox. */
async function confirm({ sandboxUrl }: ServerProcess, { nextAction }: PaymentAnswer['payOrder']): Promise<void> {
  const { clientSecret = '', publishableKey = '' } = nextAction ?? {};
  const confirmed = await fetch(`${sandboxUrl}/v1/payment_intents/${clientSecret.split('_secret_')[0]}/confirm`, {
    method: 'POST',
    headers: { authorization: `Bearer ${publishableKey}` },
    body: new URLSearchParams({ client_secret: clientSecret, payment_method: 'pm_card_visa' }),
  });
  expect(confirmed.status).toBe(200);
}

let home: Home;
let server: ServerProcess;
beforeAll(async () => {
  home = await makeHome();
  server = await startServerProcess(home);
});
afterAll(() => server.kill());

test('kill -9 loses nothing that was answered, and a payment that was under way reaches the provider’s truth', async () => {
  const { createOrder: order } = await create(server, 'order');
  const { payOrder: payment } = await pay(server, 'payment', order.id);
  const answered = new Map<string, string>();
  const createNext = async (client: string, number: number) => {
    const key = `${client}-${number}`;
    answered.set(key, (await create(server, key)).createOrder.id);
  };
  const others = Array.from({ length: 8 }, async (_, client) => {
    for (let number = 0; ; number += 1) await createNext(`client-${client}`, number);
  });
  const cutOff = Promise.allSettled(others);
  for (let number = 0; number < 5; number += 1) await createNext('buyer', number);
  await confirm(server, payment);
  // Killed in the middle of the others' calls; the callback of the confirmation is on its way, or not yet sent.
  await server.kill();
  await cutOff;

  server = await startServerProcess(home);
  const paid = await untilConfirmed(server, order.id);
  expect(paid.payments).toEqual([{ id: payment.id, status: 'SUCCEEDED' }]);
  expect((await pay(server, 'payment', order.id)).payOrder).toMatchObject({ id: payment.id, status: 'SUCCEEDED' });
  for (const [key, id] of answered) expect((await create(server, key)).createOrder).toEqual({ id, version: 1 });
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
