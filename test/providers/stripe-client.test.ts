import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { type AddressInfo, createServer as createTcpServer, type Server, type Socket } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import {
  MisconfiguredError,
  NotExecutedError,
  OutcomeUnknownError,
  type PaymentOrder,
  type PaymentProvider,
} from '../../src/providers/provider.ts';
import { createStripeProvider } from '../../src/providers/stripe/adapter.ts';
import { openStripe as openStripeClient } from '../../src/providers/stripe/client.ts';
import { publishableKey, webhookSecret } from '../sandbox/rig.ts';
import { failureOf, patient } from './contract-steps.ts';
import { anOrderToPay } from './stripe-rig.ts';

function providerAt(apiBase: string, secretKey = 'sk_test_client'): PaymentProvider {
  const keys = { secretKey, publishableKey, webhookSecrets: [webhookSecret] };
  return createStripeProvider({ ...keys, apiBase, account: 'acct_client.test', now: () => new Date() });
}

async function listening<S extends Server>(server: S): Promise<string> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => sockets.add(socket));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** Stripe, as far as a test wants it. */
async function openStripe(answer: (request: IncomingMessage, response: ServerResponse) => void): Promise<string> {
  return `http://${await listening(createServer(answer))}`;
}

const json = (response: ServerResponse, body: object, headers = {}) =>
  response.writeHead(200, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));

const anIntent = (order: PaymentOrder, facts: object = {}) => ({
  ...{ object: 'payment_intent', id: 'pi_1', status: 'requires_payment_method', amount: 1000, amount_received: 0 },
  ...{
    currency: 'eur',
    created: Math.floor(order.createdAt.getTime() / 1000),
    livemode: false,
    client_secret: 'pi_1_s',
  },
  ...{ metadata: { payment_id: order.paymentId }, ...facts },
});

function aMeeting<T>(): { readonly happened: Promise<T>; happens(value: T): void } {
  let happens: (value: T) => void = () => undefined;
  const happened = new Promise<T>((resolve) => {
    happens = resolve;
  });
  return { happened, happens: (value) => happens(value) };
}

/** Resolves when the other side has closed the connection, or reset it. */
const closingOf = (socket: Socket) =>
  new Promise((resolve) => socket.on('error', () => undefined).on('close', resolve));

test('a call that ends by its signal closes its connection, before the answer began', async () => {
  const asked = aMeeting<Socket>();
  const apiBase = await openStripe(({ socket }) => asked.happens(socket));
  const controller = new AbortController();
  const failure = failureOf(providerAt(apiBase).startPayment(anOrderToPay(), controller.signal));
  const closed = closingOf(await asked.happened);
  controller.abort();
  await closed;
  expect(await failure).toBeInstanceOf(OutcomeUnknownError);
});

test('a call that ends by its signal closes its connection, in the middle of the answer, and asks no second time', async () => {
  const begun = aMeeting<Socket>();
  let requests = 0;
  const apiBase = await openStripe(({ socket }, response) => {
    requests += 1;
    response.writeHead(200, { 'content-type': 'application/json' }).write('{"object":');
    begun.happens(socket);
  });
  const controller = new AbortController();
  const failure = failureOf(providerAt(apiBase).startPayment(anOrderToPay(), controller.signal));
  const closed = closingOf(await begun.happened);
  controller.abort();
  await closed;
  expect(await failure).toBeInstanceOf(OutcomeUnknownError);
  expect(requests).toBe(1);
});

test('a call whose signal has ended sends nothing', async () => {
  let requests = 0;
  const apiBase = await openStripe(() => {
    requests += 1;
  });
  const signal = AbortSignal.abort();
  expect(await failureOf(providerAt(apiBase).startPayment(anOrderToPay(), signal))).toBeInstanceOf(OutcomeUnknownError);
  expect(requests).toBe(0);
});

test('connections are kept from one call to the next', async () => {
  const order = anOrderToPay({ providerPaymentId: 'pi_1' });
  const sockets = new Set<Socket>();
  const apiBase = await openStripe(({ socket }, response) => {
    sockets.add(socket);
    json(response, anIntent(order));
  });
  const provider = providerAt(apiBase);
  for (let call = 0; call < 5; call += 1) await provider.queryPayment(order, patient());
  expect(sockets.size).toBe(1);
});

test.each(['\n', '\r', '\u0000', 'ü—'])(
  'a key with %j in it is a matter of configuration, and nothing is sent',
  async (tail) => {
    let requests = 0;
    const apiBase = await openStripe(() => {
      requests += 1;
    });
    const provider = providerAt(apiBase, `sk_test_hidden${tail}`);
    const failure = await failureOf(provider.startPayment(anOrderToPay(), patient()));
    expect(failure).toBeInstanceOf(MisconfiguredError);
    expect(failure).toMatchObject({ message: expect.stringContaining('STRIPE_SECRET_KEY') });
    expect(JSON.stringify(failure, Object.getOwnPropertyNames(failure)) + String(failure)).not.toContain(
      'sk_test_hidden',
    );
    expect(requests).toBe(0);
  },
);

test('a port that nobody listens on, and a name that nobody has, were told nothing', async () => {
  const server = createTcpServer();
  const address = await listening(server);
  await new Promise((resolve) => server.close(resolve));
  for (const apiBase of [`http://${address}`, `https://${address}`, 'http://no-such-host.invalid']) {
    const failure = await failureOf(providerAt(apiBase).startPayment(anOrderToPay(), patient()));
    expect(failure).toBeInstanceOf(NotExecutedError);
    expect(failure).not.toBeInstanceOf(MisconfiguredError);
  }
});

test('a server that cannot prove who it is was told nothing, and is a matter of configuration', async () => {
  // It speaks no TLS at all: the handshake fails, and the request is still here.
  const apiBase = `https://${await listening(createTcpServer((socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n').on('error', () => undefined)))}`;
  const failure = await failureOf(providerAt(apiBase).startPayment(anOrderToPay(), patient()));
  expect(failure).toBeInstanceOf(MisconfiguredError);
  expect(failure).toMatchObject({ message: expect.stringContaining('STRIPE_API_BASE') });
});

test('a connection that breaks once the request may be on its way leaves the outcome open', async () => {
  const apiBase = await openStripe(({ socket }) => socket.destroy());
  expect(await failureOf(providerAt(apiBase).startPayment(anOrderToPay(), patient()))).toBeInstanceOf(
    OutcomeUnknownError,
  );
});

test('once Stripe may have acted, a later request of the same call that is not sent leaves the outcome open', async () => {
  const order = anOrderToPay();
  const server = createServer((request, response) => {
    // The first creation was answered and lost; its answer comes again, and then nobody is there to say what it is now.
    request.resume();
    json(response, anIntent(order), { 'idempotent-replayed': 'true', connection: 'close' });
    server.close();
  });
  const apiBase = `http://${await listening(server)}`;
  const failure = await failureOf(providerAt(apiBase).startPayment(order, patient()));
  expect(failure).toBeInstanceOf(OutcomeUnknownError);
  expect(failure).toMatchObject({ cause: expect.any(NotExecutedError) });
});

test('a request without the options of its call is not sent, and the failure says why', async () => {
  let requests = 0;
  const apiBase = await openStripe((_request, response) => {
    requests += 1;
    json(response, {});
  });
  const keys = { secretKey: 'sk_test_client', publishableKey, webhookSecrets: [webhookSecret] };
  const { stripe, runCall } = openStripeClient({ ...keys, apiBase });
  const failure = await failureOf(runCall(patient(), () => stripe.paymentIntents.retrieve('pi_1')));
  expect(failure).toMatchObject({ cause: { message: 'A request to Stripe belongs to no call. This is a bug.' } });
  expect(requests).toBe(0);
});

/** A list of Stripe's with so many objects, newest first. */
function pageOf<T extends { readonly id: string }>(url: string | undefined, all: readonly T[]) {
  const last = new URL(url ?? '/', 'http://stripe.test').searchParams.get('starting_after');
  const from = last === null ? 0 : all.findIndex(({ id }) => id === last) + 1;
  const data = all.slice(from, from + 100);
  return { object: 'list', url: '/', data, has_more: from + data.length < all.length };
}

const aRefund = (number: number, facts: object = {}) => ({
  ...{ object: 'refund', id: `re_${number}`, amount: 1, currency: 'eur', created: 1_795_000_000, status: 'succeeded' },
  ...{ payment_intent: 'pi_1', metadata: {}, balance_transaction: `txn_${number}`, ...facts },
});

test('a payment with 2,345 refunds has them all listed, and ours is found behind them', async () => {
  const refundId = 'rfd_01kb2x3y4z5a6b7c8d9e0f1g2h';
  const refunds = Array.from({ length: 2344 }, (_, number) => aRefund(number));
  refunds.push(aRefund(2344, { metadata: { refund_id: refundId } }));
  const provider = providerAt(await openStripe(({ url }, response) => json(response, pageOf(url, refunds))));
  const order = anOrderToPay({ providerPaymentId: 'pi_1' });
  const listed = await provider.listRefunds(order, patient());
  expect(new Set(listed.refunds.map(({ providerRefundId }) => providerRefundId)).size).toBe(2345);
  const name = { refundId, paymentId: order.paymentId, providerPaymentId: 'pi_1', providerRefundId: null };
  expect(await provider.queryRefund(name, patient())).toMatchObject({ report: { providerRefundId: 're_2344' } });
});

test('our payment is found behind 1,500 others, and nothing is found only at the end of the list', async () => {
  const order = anOrderToPay();
  const intents = Array.from({ length: 1500 }, (_, number) => anIntent(order, { id: `pi_${number}`, metadata: {} }));
  const ours = anIntent(order, { id: 'pi_ours' });
  const all = [...intents, ours];
  const provider = providerAt(await openStripe(({ url }, response) => json(response, pageOf(url, all))));
  expect(await provider.queryPayment(order, patient())).toMatchObject({ report: { providerPaymentId: 'pi_ours' } });
  all.pop();
  expect(await provider.queryPayment(order, patient())).toEqual({ kind: 'notFound', payableUntil: null });
});

test('a list without an end is read until the call is over, and then nobody knows', async () => {
  const order = anOrderToPay();
  const controller = new AbortController();
  let pages = 0;
  const apiBase = await openStripe((_request, response) => {
    pages += 1;
    if (pages === 30) controller.abort();
    json(response, { object: 'list', has_more: true, data: [anIntent(order, { id: `pi_${pages}`, metadata: {} })] });
  });
  const failure = await failureOf(providerAt(apiBase).queryPayment(order, controller.signal));
  expect(failure).toBeInstanceOf(OutcomeUnknownError);
  expect(pages).toBe(30);
});
