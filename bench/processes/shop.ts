import { machineMs } from '../support/clock.ts';
import { createOrderText, orderInputOf, payOrderText } from '../support/graphql.ts';
import { HttpConnections } from '../support/http-connections.ts';
import { timedNumber } from '../support/order-number.ts';
import { serveCalls } from '../support/process-calls.ts';
import { intentIdOf, type StandInStripe, signedSuccess, startStandInStripe } from '../support/stand-in-stripe.ts';
import { openSubscription } from '../support/subscription.ts';

/** Shops, their buyers and Stripe: everybody whom the product meets in the life of an order. */
export type Shop = {
  readonly token: string;
  readonly webhookPath: string;
  readonly webhookSecret: string;
  /** The end of the shop's event log. */
  readonly after: string;
};

type OpenInput = { readonly url: string; readonly shops: readonly Shop[] };
type RunInput = {
  readonly clients: number;
  /** Only so many of the shops take part, each in its turn. */
  readonly shops: number;
  /** Ends after so much time, or after so many lifecycles. */
  readonly seconds?: number;
  readonly count?: number;
};

export type LifecyclesResult = {
  readonly done: number;
  readonly failed: number;
  readonly firstFailure: string | null;
  readonly seconds: number;
  /** Whole lifecycles; the answers to createOrder and payOrder; the callback until it is acknowledged, and until the shop is told. */
  readonly lifecycleMs: Float64Array;
  readonly createMs: Float64Array;
  readonly payMs: Float64Array;
  readonly acknowledgedMs: Float64Array;
  readonly toldMs: Float64Array;
};

const toldTimeoutMs = 60_000;
const amount = 2500;

let stripe: StandInStripe | null = null;
let shops: readonly Shop[] = [];
let url = '';
/** By order id: called when the shop is told that the order is paid. */
const paidListeners = new Map<string, () => void>();

/** Follows the events of a shop, as its server would. */
async function follow({ token, after }: Shop): Promise<void> {
  await openSubscription({ url, token, after }, (json) => {
    if (!json.includes('"orderPaymentStatus":"PAID"')) return;
    const [, orderId = ''] = /"orderId":"(\w+)"/.exec(json) ?? [];
    paidListeners.get(orderId)?.();
    paidListeners.delete(orderId);
  });
}

function toldOf(orderId: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const late = () => reject(new Error(`The shop was not told of ${orderId} within ${toldTimeoutMs} ms.`));
    const timer = setTimeout(late, toldTimeoutMs);
    paidListeners.set(orderId, () => {
      clearTimeout(timer);
      resolve();
    });
  });
}

async function run({ clients, shops: shopCount, seconds, count }: RunInput): Promise<LifecyclesResult> {
  const connections = new HttpConnections(url, clients);
  const times = { lifecycleMs: [], createMs: [], payMs: [], acknowledgedMs: [], toldMs: [] } as Record<
    'lifecycleMs' | 'createMs' | 'payMs' | 'acknowledgedMs' | 'toldMs',
    number[]
  >;
  let failed = 0;
  let firstFailure: string | null = null;

  async function post(path: string, headers: Readonly<Record<string, string>>, body: string): Promise<string> {
    const { status, body: text } = await connections.post(connections.headOf(path, headers), body);
    if (status === 200) return text;
    throw new Error(`${path} answered ${status} ${text.slice(0, 300)}`);
  }

  async function mutate(token: string, query: string, variables: object): Promise<string> {
    const headers = { 'content-type': 'application/json', authorization: `Bearer ${token}` };
    const text = await post('/graphql', headers, JSON.stringify({ query, variables }));
    const [, id] = /"id":"((?:ord|pay)_\w+)"/.exec(text) ?? [];
    if (id === undefined || text.includes('"errors"')) throw new Error(text.slice(0, 300));
    return id;
  }

  async function lifecycle({ token, webhookPath, webhookSecret }: Shop): Promise<void> {
    const beganMs = machineMs();
    const number = timedNumber();
    const orderId = await mutate(token, createOrderText, orderInputOf(number));
    const createdMs = machineMs();
    const input = { idempotencyKey: number, orderId, method: 'CARD', flow: 'EMBEDDED' };
    const paymentId = await mutate(token, payOrderText, { input });
    const paidMs = machineMs();
    const told = toldOf(orderId);
    const intent = { id: intentIdOf(paymentId), amount, currency: 'eur', paymentId };
    stripe?.pay(intent.id);
    const { headers, body } = signedSuccess(intent, webhookSecret);
    await post(webhookPath, headers, body);
    const acknowledgedMs = machineMs();
    await told;
    const toldMs = machineMs();
    times.createMs.push(createdMs - beganMs);
    times.payMs.push(paidMs - createdMs);
    times.acknowledgedMs.push(acknowledgedMs - paidMs);
    times.toldMs.push(toldMs - paidMs);
    times.lifecycleMs.push(toldMs - beganMs);
  }

  const beganMs = machineMs();
  const endMs = beganMs + (seconds ?? Number.POSITIVE_INFINITY) * 1000;
  let begun = 0;
  async function client(): Promise<void> {
    while (machineMs() < endMs && begun < (count ?? Number.POSITIVE_INFINITY)) {
      const shop = shops[begun % shopCount];
      begun += 1;
      if (shop === undefined) throw new Error('There are fewer shops.');
      await lifecycle(shop).catch((error: unknown) => {
        failed += 1;
        firstFailure ??= String(error);
      });
    }
  }
  await Promise.all(Array.from({ length: clients }, client));
  const took = (machineMs() - beganMs) / 1000;
  connections.close();
  return {
    ...{ done: times.lifecycleMs.length, failed, firstFailure, seconds: took },
    lifecycleMs: Float64Array.from(times.lifecycleMs),
    createMs: Float64Array.from(times.createMs),
    payMs: Float64Array.from(times.payMs),
    acknowledgedMs: Float64Array.from(times.acknowledgedMs),
    toldMs: Float64Array.from(times.toldMs),
  };
}

const calls = {
  /** Starts Stripe. @returns its address. */
  async startStripe(): Promise<string> {
    stripe = await startStandInStripe();
    return stripe.url;
  },

  /** Opens the shops, each with a subscription to its events. */
  async open(input: OpenInput): Promise<void> {
    ({ url, shops } = input);
    for (const shop of shops) await follow(shop);
  },

  run,
};
export type ShopCalls = typeof calls;
serveCalls(calls);
