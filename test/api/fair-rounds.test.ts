import { afterEach, beforeEach, expect, test } from 'vitest';
import type { PaymentMethod } from '../../generated/graphql/graphql.ts';
import { onlyAccounts } from '../../src/accounts/provider-accounts.ts';
import { passAll } from '../../src/domain/failpoint.ts';
import type { CommandContext } from '../../src/provider-calls/context.ts';
import { openProvider } from '../../src/providers/open-provider.ts';
import type { PaymentProvider } from '../../src/providers/provider.ts';
import { createLookups } from '../../src/store/lookups.ts';
import { createOrderWriter } from '../../src/store/order-writer.ts';
import type { Lane } from '../../src/worker/lane.ts';
import { concurrencyPerAccount, openLanes } from '../../src/worker/sweep.ts';
import { chineseSetups } from '../support/chinese-providers.ts';
import { createOrder, payOrder, readOrder, requestRefund, sweepUntil } from '../support/orders.ts';
import {
  advanceSandbox,
  clearFaults,
  control,
  startTestApp,
  type TestApp,
  untilCallbacksCame,
} from '../support/test-app.ts';

/** More than twice the number of concurrent checks. */
const tooMany = 2 * concurrencyPerAccount + 1;

type Question = 'queryPayment' | 'closePayment' | 'queryRefund';

/** A provider whose queries hang until `end` is called. */
function hanging(provider: PaymentProvider) {
  const waiting: Record<Question, number> = { queryPayment: 0, closePayment: 0, queryRefund: 0 };
  let end = (): void => {};
  const held = new Promise<void>((resolve) => {
    end = resolve;
  });
  const answerLater = async <T>(question: Question, ask: () => Promise<T>): Promise<T> => {
    waiting[question] += 1;
    await held;
    waiting[question] -= 1;
    return ask();
  };
  const hangs: PaymentProvider = {
    ...provider,
    queryPayment: (order, signal) => answerLater('queryPayment', () => provider.queryPayment(order, signal)),
    closePayment: (order, signal) => answerLater('closePayment', () => provider.closePayment(order, signal)),
    queryRefund: (name, signal) => answerLater('queryRefund', () => provider.queryRefund(name, signal)),
  };
  return { provider: hangs, waiting: (question: Question) => waiting[question], end };
}

// Each test has its own server, because the due checks of one test would occupy the places that another test counts.
let app: TestApp;
let alipay: ReturnType<typeof hanging>;
/** The lanes of a node whose Alipay hangs. */
let lanes: readonly Lane[];
beforeEach(async () => {
  app = await startTestApp();
  const { database: db, clock } = app;
  const parts = { now: () => clock.now(), webhookUrl: `${app.app.url}/webhooks/none` };
  const [first, ...others] = await Promise.all(
    chineseSetups(app.sandboxUrl).map((setup) => openProvider(setup, parts, app.app.log)),
  );
  if (first?.name !== 'ALIPAY') throw new Error('Alipay comes first.');
  alipay = hanging(first);
  const context: CommandContext = {
    ...{
      db,
      clock,
      accounts: onlyAccounts(db, [alipay.provider, ...others]),
      failpoint: passAll,
      writer: createOrderWriter({ db, clock, failpoint: passAll }),
      lookups: createLookups(db),
      notifier: { notify: () => {} },
    },
    log: { info: () => {}, warn: () => {}, error: (_fields, message) => expect.fail(message) },
  };
  lanes = openLanes(context);
});
afterEach(async () => {
  alipay.end();
  await Promise.all(lanes.map((lane) => lane.idle()));
  await app.close();
});

function laneOf(name: string): Lane {
  const lane = lanes.find((candidate) => candidate.name === name);
  if (lane === undefined) throw new Error(`There is no lane for ${name}.`);
  return lane;
}

/** Starts all due work, as the rounds of a node do. The work at Alipay does not end. */
async function runAll(): Promise<void> {
  for (const lane of lanes) while ((await lane.runOnce()).isFull);
}

/** Resolves when as many calls hang at Alipay as it has places. Another round adds none. */
async function untilPlacesAreFull(question: Question): Promise<void> {
  await expect.poll(() => alipay.waiting(question)).toBe(concurrencyPerAccount);
  await runAll();
  expect(alipay.waiting(question)).toBe(concurrencyPerAccount);
}

async function start(method: PaymentMethod, expiresInSeconds?: number) {
  const { id: orderId } = await createOrder(app, { currency: 'CNY', ...(expiresInSeconds && { expiresInSeconds }) });
  const { id: paymentId } = await payOrder(app, orderId, { method, flow: 'QR_CODE' });
  return { orderId, paymentId };
}

async function startMany(method: PaymentMethod, expiresInSeconds?: number) {
  return Promise.all(Array.from({ length: tooMany }, () => start(method, expiresInSeconds)));
}

/** A paid and confirmed order. */
async function paid(method: PaymentMethod) {
  const started = await start(method);
  const side = method === 'ALIPAY' ? 'alipay' : 'wechatpay';
  await control(app.sandboxUrl, `${side}/buyer/${started.paymentId}`, { action: 'pay' });
  await untilCallbacksCame(app);
  await sweepUntil(app, started.orderId, ({ status }) => status === 'CONFIRMED', 1000);
  return started;
}

function fault(rule: object): Promise<unknown> {
  return control(app.sandboxUrl, 'faults', { times: 1000, ...rule });
}

function loseCallbacks(): Promise<unknown> {
  return fault({ fault: 'drop', match: { type: '*' } });
}

/** The number of received callbacks of each provider that are not applied yet. */
async function waitingCallbacks(): Promise<Record<string, number>> {
  const { rows } = await app.database.pool.query<{ provider: string; count: number }>(
    "select provider, count(*)::int as count from deliveries where status = 'PENDING' group by provider",
  );
  return Object.fromEntries(rows.map(({ provider, count }) => [provider, count]));
}

test('payments of one provider are checked while another hangs, which gets no more calls than its places', async () => {
  await startMany('ALIPAY');
  const { orderId, paymentId } = await start('WECHAT_PAY');
  await loseCallbacks();
  await control(app.sandboxUrl, `wechatpay/buyer/${paymentId}`, { action: 'pay' });
  app.clock.advance(12_000);
  await runAll();
  await expect.poll(async () => (await readOrder(app, orderId)).status).toBe('CONFIRMED');
  await untilPlacesAreFull('queryPayment');
});

test('refunds of one provider are checked while another hangs', async () => {
  const [atAlipay, atWechatpay] = [await paid('ALIPAY'), await paid('WECHAT_PAY')];
  await loseCallbacks();
  await fault({ target: 'outcome', fault: 'refund_pending_then_succeeded' });
  for (let count = 0; count < tooMany; count += 1) {
    await requestRefund(app, { paymentId: atAlipay.paymentId, amountMinor: 100 });
  }
  await clearFaults(app);
  await loseCallbacks();
  await requestRefund(app, { paymentId: atWechatpay.paymentId });
  await advanceSandbox(app, 5000);
  app.clock.advance(12_000);
  await runAll();
  await expect
    .poll(async () => (await readOrder(app, atWechatpay.orderId)).refunds)
    .toMatchObject([{ status: 'SUCCEEDED' }]);
  await untilPlacesAreFull('queryRefund');
});

test('orders expire while a provider hangs, and only their payments at that provider wait to be closed', async () => {
  const late = await startMany('ALIPAY', 300);
  const { orderId } = await start('WECHAT_PAY', 300);
  app.clock.advance(310_000);
  const orderIds = [orderId, ...late.map((started) => started.orderId)];
  const statuses = async () => {
    await runAll();
    return (await Promise.all(orderIds.map((id) => readOrder(app, id)))).map(({ status }) => status);
  };
  await expect.poll(statuses).toEqual(['EXPIRED', ...late.map(() => 'CLOSING')]);
  expect(await readOrder(app, orderId)).toMatchObject({ payments: [{ status: 'EXPIRED' }] });
});

test('callbacks of one provider are applied while another hangs in the queries for its own', async () => {
  const [atAlipay, atWechatpay] = [await paid('ALIPAY'), await paid('WECHAT_PAY')];
  // Refunds made in the consoles: their callbacks need a query, which fails, so the callbacks are postponed.
  await fault({ fault: 'error_500_before', match: { operation: 'alipay.trade.fastpay.refund.query' } });
  await fault({ fault: 'error_500_before', match: { operation: 'refunds.query' } });
  for (let count = 0; count < tooMany; count += 1) {
    await control(app.sandboxUrl, 'alipay/refunds', { out_trade_no: atAlipay.paymentId, amount: 100 });
  }
  await control(app.sandboxUrl, 'wechatpay/refunds', { out_trade_no: atWechatpay.paymentId, amount: 100 });
  await advanceSandbox(app, 5000);
  expect(await waitingCallbacks()).toEqual({ ALIPAY: tooMany, WECHATPAY: 1 });
  await clearFaults(app);
  app.clock.advance(6000);
  await runAll();
  await expect.poll(waitingCallbacks).toEqual({ ALIPAY: tooMany });
  expect((await readOrder(app, atWechatpay.orderId)).refunds).toMatchObject([
    { origin: 'PROVIDER', status: 'SUCCEEDED', amount: { amountMinor: 100 } },
  ]);
  await untilPlacesAreFull('queryRefund');
});

test('once it answers again, all work is processed as fast as places become free', async () => {
  const many = await startMany('ALIPAY');
  app.clock.advance(12_000);
  await laneOf('payments').runOnce();
  await expect.poll(() => alipay.waiting('queryPayment')).toBe(concurrencyPerAccount);
  alipay.end();
  const orderIds = many.map(({ orderId }) => orderId);
  const due = async () => {
    const { rows } = await app.database.pool.query<{ due: number }>(
      'select count(*)::int as due from payments where order_id = any($1) and (check_at <= $2 or leased_until is not null)',
      [orderIds, app.clock.now()],
    );
    return rows[0]?.due;
  };
  await expect.poll(due).toBe(0);
});
