import { expect } from 'vitest';
import type { OrderEvent, PayResult } from '../../packages/client/src/main.ts';
import { createOrder, readOrder, refreshPayment } from '../support/orders.ts';
import { askControl, control, type TestApp } from '../support/test-app.ts';
import { createDisk, type diskKinds, type Fault, type Network, openTab, type Tab } from './tab.ts';

export type Method = 'CARD' | 'ALIPAY';
export type Step =
  | { readonly kind: 'pay' | 'payAndKill'; readonly tab: 0 | 1; readonly method: Method }
  /** Both tabs at the same instant. */
  | { readonly kind: 'payInBoth'; readonly method: Method }
  /** The merchant cancels the payment that waits for its buyer, so that the next try is another one. */
  | { readonly kind: 'cancel' }
  /** The buyer does what the last answer asked for. */
  | { readonly kind: 'act' }
  | { readonly kind: 'cut' | 'stallReader' | 'reloadReader' | 'deliverLate' | 'sync' };

export type Schedule = {
  readonly disk: (typeof diskKinds)[number];
  readonly transport: 'websocket' | 'sse';
  readonly bufferMax: number;
  readonly faults: readonly Fault[];
  readonly steps: readonly Step[];
};

const flows = { CARD: 'EMBEDDED', ALIPAY: 'QR_CODE' } as const;

/** Runs one schedule on an order of its own, pays it to the end, and checks that it was charged once and that its reader missed nothing. */
export async function runSchedule(app: TestApp, schedule: Schedule): Promise<void> {
  const order = await createOrder(app, {
    currency: 'CNY',
    lines: [{ name: 'Cup', quantity: 1, unitAmountMinor: 2500 }],
  });
  const network: Network = { faults: [...schedule.faults], late: [], keys: new Set() };
  const disk = createDisk(schedule.disk);
  const tabs: [Tab, Tab] = [openTab(app, network, disk.openView()), openTab(app, network, disk.openView())];
  const reader = createReader(() => tabs[0], order.id, order.eventCursor, schedule);
  const results: PayResult[] = [];
  /** How many payments there may be: one, another for each that was canceled, and for each time that the buyer chose another method. */
  let allowed = 1;
  let lastMethod: Method | null = null;
  const choose = (method: Method) => {
    if (lastMethod !== null && lastMethod !== method) {
      allowed += 1;
      // The buyer leaves the code on the screen alone. One who pays it all the same pays twice, and gets the surplus back.
      results.length = 0;
    }
    lastMethod = method;
  };
  const pay = async (tab: Tab, method: Method) => {
    const result = await tab.client.pay({ orderId: order.id, method, flow: flows[method] });
    results.push(result);
    return result;
  };
  const action = () => results.findLast((result) => result.kind === 'actionRequired');

  async function perform(step: Step): Promise<void> {
    switch (step.kind) {
      case 'pay':
        choose(step.method);
        await pay(tabs[step.tab], step.method);
        return;
      case 'payInBoth':
        choose(step.method);
        await Promise.all(tabs.map((tab) => pay(tab, step.method)));
        return;
      case 'payAndKill': {
        choose(step.method);
        if (step.tab === 0) await reader.stop();
        const view = disk.openView();
        const doomed = openTab(app, network, schedule.disk === 'lost' ? view : disk.openView(), () => doomed.kill());
        tabs[step.tab].kill();
        // Its requests may all be lost before they are sent: then it stays.
        await doomed.client.pay(
          { orderId: order.id, method: step.method, flow: flows[step.method] },
          { patienceMs: 0 },
        );
        doomed.kill();
        tabs[step.tab] = openTab(app, network, view);
        if (step.tab === 0) reader.start();
        return;
      }
      case 'cancel': {
        const open = (await readOrder(app, order.id)).payments.filter(({ status }) => status === 'ACTION_REQUIRED');
        for (const { id } of open) {
          await app.client.request('mutation($id: ID!) { cancelPayment(input: { paymentId: $id }) { __typename } }', {
            id,
          });
          allowed += 1;
        }
        return;
      }
      case 'act':
        await act(app, action());
        return;
      case 'cut':
        tabs[0].cut();
        return;
      case 'stallReader':
        reader.stall();
        return;
      case 'reloadReader':
        await reader.stop();
        reader.start();
        return;
      case 'deliverLate':
        for (const send of network.late.splice(0)) await send();
        return;
      case 'sync':
        disk.sync();
    }
  }

  for (const step of schedule.steps) await perform(step);
  for (const send of network.late.splice(0)) await send();
  const lateCount = schedule.faults.filter((fault) => fault === 'late').length;
  network.faults.length = 0;
  const method = lastMethod ?? 'CARD';
  for (let tries = 1; ; tries += 1) {
    const result = await pay(tabs[1], method);
    if (result.kind === 'paid') break;
    if (tries === 12) throw new Error(`It does not come to an end: ${JSON.stringify(result)}`);
    if ('payment' in result) {
      await act(app, result);
      app.clock.advance(1100);
      await refreshPayment(app, result.payment.id);
    }
  }
  await app.app.idle();

  const { payments, types, captured } = await readOrder(app, order.id);
  expect(captured.amountMinor, 'what the order has').toBe(2500);
  expect(
    await capturedOf(
      app,
      payments.map(({ id }) => id),
    ),
    'what the providers have',
  ).toBe(2500);
  const isOneMethod = schedule.steps.every((step) => !('method' in step) || step.method === method);
  // Tabs that do not see each other's writes may each count a change of the method. A request for the other method that arrives late is
  // carried out all the same, and closes the payment that the buyer has begun since.
  const isExact = schedule.disk === 'shared' || isOneMethod;
  if (!isOneMethod) allowed += lateCount;
  if (isExact) {
    expect(payments.length, 'payments').toBeLessThanOrEqual(allowed);
    expect(network.keys.size, 'keys').toBeLessThanOrEqual(allowed);
  }
  await reader.until(types.length);
  await reader.stop();
  expect(
    reader.heard.map(({ sequence }) => sequence),
    'what the reader heard',
  ).toEqual(types.map((_, index) => index + 1).slice(1));
  for (const tab of tabs) tab.kill();
}

/** Follows the order in a page, and begins again where `cursor` says when the page is loaded again. */
function createReader(
  tab: () => Tab,
  orderId: string,
  after: string,
  { transport, bufferMax }: Pick<Schedule, 'transport' | 'bufferMax'>,
) {
  const heard: OrderEvent[] = [];
  let cursor: string | null = after;
  let notice = () => {};
  let ending = new AbortController();
  let reading: Promise<void> = Promise.resolve();
  /** Resolved while the page goes on after each event. */
  let busy: Promise<void> = Promise.resolve();
  let goOn = () => {};
  async function read(signal: AbortSignal): Promise<void> {
    const events = tab().client.follow({ orderId }, { after: cursor, transport, bufferMax, signal });
    for await (const event of events) {
      heard.push(event);
      notice();
      // What a page does with an event takes a while, in which more events come.
      await new Promise((resolve) => setImmediate(resolve));
      await busy;
      if (signal.aborted) break;
    }
    cursor = events.cursor;
  }
  const start = () => {
    ending = new AbortController();
    reading = read(ending.signal);
  };
  start();
  return {
    heard,
    start,
    /** The page is busy with the next event until it is stopped, while further events wait in the buffer. */
    stall() {
      goOn();
      busy = new Promise((resolve) => {
        goOn = resolve;
      });
    },
    async stop() {
      ending.abort();
      goOn();
      await reading;
    },
    async until(sequence: number) {
      goOn();
      while ((heard.at(-1)?.sequence ?? 1) < sequence) {
        await Promise.race([
          new Promise<void>((resolve) => {
            notice = resolve;
          }),
          reading.then(() => {
            throw new Error('The reader ended.');
          }),
        ]);
      }
    },
  };
}

async function act({ sandboxUrl }: TestApp, result: PayResult | undefined): Promise<void> {
  if (result?.kind !== 'actionRequired') return;
  const { action, payment } = result;
  if (action.__typename === 'ConfirmCardAction') {
    const [intentId] = action.clientSecret.split('_secret_');
    // A payment that was closed meanwhile is refused.
    await fetch(`${sandboxUrl}/v1/payment_intents/${intentId}/confirm`, {
      method: 'POST',
      headers: { authorization: `Bearer ${action.publishableKey}` },
      body: new URLSearchParams({ client_secret: action.clientSecret, payment_method: 'pm_card_visa' }),
    });
  } else {
    await control(sandboxUrl, `alipay/buyer/${payment.id}`, { action: 'pay' }).catch(() => {});
  }
}

type Ledger = {
  readonly stripe: { readonly totals: Readonly<Record<string, { readonly captured: number }>> };
  readonly alipay: { readonly totals: Readonly<Record<string, Readonly<Record<string, number>>>> };
};

async function capturedOf({ sandboxUrl }: TestApp, paymentIds: readonly string[]): Promise<number> {
  let sum = 0;
  for (const id of paymentIds) {
    const { stripe, alipay } = await askControl<Ledger>(sandboxUrl, `ledger?payment_id=${id}`);
    sum += (stripe.totals[id]?.captured ?? 0) + (alipay.totals[id]?.captured ?? 0);
  }
  return sum;
}
