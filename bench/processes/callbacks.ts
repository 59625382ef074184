import { setTimeout as delay } from 'node:timers/promises';
import { machineMs, until } from '../support/clock.ts';
import { HttpConnections } from '../support/http-connections.ts';
import { serveCalls } from '../support/process-calls.ts';
import { environmentAccount, intentIdOf, signedSuccess, stripeAccountOf } from '../support/stand-in-stripe.ts';
import { openSubscription } from '../support/subscription.ts';

/** Stripe, which posts signed callbacks: the success of one payment after the other. */
type Target = { readonly url: string; readonly payments: readonly string[] };

export type CallbacksResult = {
  /** The number of payments that were used up, in their order. */
  readonly used: number;
  readonly accepted: number;
  readonly failed: number;
  readonly firstFailure: string | null;
  readonly seconds: number;
  readonly acknowledgedMs: Float64Array;
};

const path = '/webhooks/stripe';
const { webhookSecret } = stripeAccountOf(environmentAccount);
const appliedTimeoutMs = 60_000;
/** More connections than are ever needed at once, so that no callback waits in this process. */
const unlimited = 10_000;

function sender({ url, payments }: Target, connections: number) {
  const pool = new HttpConnections(url, connections);
  const acknowledgedMs: number[] = [];
  let used = 0;
  let failed = 0;
  let firstFailure: string | null = null;
  return {
    isLeft: () => used < payments.length,
    async send(): Promise<string | null> {
      const paymentId = payments[used];
      if (paymentId === undefined) return null;
      used += 1;
      const intent = { id: intentIdOf(paymentId), amount: 2500, currency: 'eur', paymentId };
      const { headers, body } = signedSuccess(intent, webhookSecret);
      const sentMs = machineMs();
      try {
        const answer = await pool.post(pool.headOf(path, headers), body);
        if (answer.status !== 200) throw new Error(`${answer.status} ${answer.body.slice(0, 300)}`);
        acknowledgedMs.push(machineMs() - sentMs);
      } catch (error) {
        failed += 1;
        firstFailure ??= String(error);
      }
      return paymentId;
    },
    async end(beganMs: number): Promise<CallbacksResult> {
      const seconds = (machineMs() - beganMs) / 1000;
      pool.close();
      const accepted = acknowledgedMs.length;
      return { used, accepted, failed, firstFailure, seconds, acknowledgedMs: Float64Array.from(acknowledgedMs) };
    },
  };
}

/** Notes when the merchant is told that a payment has succeeded. */
async function followPayments(target: { readonly url: string; readonly token: string; readonly after: string }) {
  const appliedAtMs = new Map<string, number>();
  const socket = await openSubscription(target, (json) => {
    const [, paymentId] = /"paymentId":"(pay_\w+)","paymentStatus":"SUCCEEDED"/.exec(json) ?? [];
    if (paymentId !== undefined && !appliedAtMs.has(paymentId)) appliedAtMs.set(paymentId, machineMs());
  });
  return { appliedAtMs, close: () => socket.terminate() };
}

const calls = {
  /** As many as the connections carry. */
  async full(input: Target & { readonly connections: number; readonly seconds: number }): Promise<CallbacksResult> {
    const { isLeft, send, end } = sender(input, input.connections);
    const beganMs = machineMs();
    async function connection(): Promise<void> {
      while (isLeft() && machineMs() < beganMs + input.seconds * 1000) await send();
    }
    await Promise.all(Array.from({ length: input.connections }, connection));
    return end(beganMs);
  },

  /** So many a second, whether or not the earlier ones are answered. */
  async steady(input: Target & { readonly perSecond: number; readonly seconds: number }): Promise<CallbacksResult> {
    const { isLeft, send, end } = sender(input, unlimited);
    const beganMs = machineMs();
    const sending: Promise<unknown>[] = [];
    while (isLeft() && machineMs() < beganMs + input.seconds * 1000) {
      const dueCount = ((machineMs() - beganMs) / 1000) * input.perSecond;
      while (isLeft() && sending.length < dueCount) sending.push(send());
      await delay(2);
    }
    await Promise.all(sending);
    return end(beganMs);
  },

  /** The same, until `stop`; and it is measured when the merchant is told of each payment. */
  async startGenuine(input: Target & { readonly token: string; readonly after: string; readonly intervalMs: number }) {
    const followed = await followPayments(input);
    const { isLeft, send, end } = sender(input, unlimited);
    const beganMs = machineMs();
    const sentAtMs = new Map<string, number>();
    const sending: Promise<unknown>[] = [];
    const timer = setInterval(() => {
      if (!isLeft()) return;
      const sentMs = machineMs();
      sending.push(send().then((paymentId) => paymentId !== null && sentAtMs.set(paymentId, sentMs)));
    }, input.intervalMs);
    stopGenuine = async () => {
      clearInterval(timer);
      await Promise.all(sending);
      const sent = await end(beganMs);
      await until(() => [...sentAtMs.keys()].every((id) => followed.appliedAtMs.has(id)), appliedTimeoutMs);
      followed.close();
      const appliedMs = [...sentAtMs].flatMap(([id, sentMs]) => {
        const atMs = followed.appliedAtMs.get(id);
        return atMs === undefined ? [] : [atMs - sentMs];
      });
      return { ...sent, appliedMs: Float64Array.from(appliedMs) };
    };
  },

  async stopGenuine() {
    return stopGenuine();
  },
};

let stopGenuine = async (): Promise<CallbacksResult & { readonly appliedMs: Float64Array }> => {
  throw new Error('Nothing was started.');
};

export type CallbacksCalls = typeof calls;
serveCalls(calls);
