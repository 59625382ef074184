import { connect, type Socket } from 'node:net';
import { Client } from 'undici';
import { machineMs } from '../support/clock.ts';
import { serveCalls } from '../support/process-calls.ts';
import { callbackHeadersOf } from '../support/stand-in-stripe.ts';

/** An attacker with many addresses: half-open requests, and callbacks that nobody signed. */
export type FloodResult = {
  readonly seconds: number;
  /** The number of answers by status, and of requests without an answer as `none`. */
  readonly answers: Readonly<Record<string, number>>;
  readonly answerMs: Float64Array;
};

const path = '/webhooks/stripe';
const reopenDelayMs = 100;
const headerText = `POST ${path} HTTP/1.1\r\nHost: pay.shop.example\r\nContent-Type: application/json\r\n`;
const halfOpen = new Set<Socket>();
let isHolding = false;
let endedByServer = 0;

/** Linux accepts every address of 127.0.0.0/8 as one of this machine. */
function addressOf(n: number): string {
  return `127.1.${Math.floor(n / 250) % 250}.${1 + (n % 250)}`;
}

/** Opens half a request. When the server ends it, the next one takes its place. */
function holdOpen(url: URL, n: number): Promise<void> {
  return new Promise((resolve) => {
    const socket = connect({ port: Number(url.port), host: url.hostname, localAddress: addressOf(n) });
    halfOpen.add(socket);
    // One half never ends its headers, the other never sends its body.
    const text = n % 2 === 0 ? headerText : `${headerText}Content-Length: 600\r\n\r\n`;
    socket.on('connect', () => socket.write(text, () => resolve()));
    socket.on('error', () => resolve());
    socket.on('close', () => {
      halfOpen.delete(socket);
      if (!isHolding) return;
      endedByServer += 1;
      setTimeout(() => isHolding && holdOpen(url, n), reopenDelayMs);
    });
    socket.resume();
  });
}

/** Every third callback names a live payment: that costs the server more than a stranger. */
function forgedCallback(n: number, payments: readonly string[]) {
  const paymentId = n % 3 === 0 ? payments[n % payments.length] : `pay_${String(n).padStart(26, '0')}`;
  const object = { object: 'payment_intent', id: `pi_${n}`, status: 'succeeded', metadata: { payment_id: paymentId } };
  const body = JSON.stringify({
    id: `evt_forged${n}`,
    object: 'event',
    type: 'payment_intent.succeeded',
    data: { object },
  });
  const headers =
    n % 2 === 0 ? { 'content-type': 'application/json' } : callbackHeadersOf(body, 'whsec_of_somebody_else');
  return { headers, body };
}

const calls = {
  /** Keeps so many half-open requests until `closeHalf`. */
  async openHalf({ url, count }: { readonly url: string; readonly count: number }): Promise<void> {
    isHolding = true;
    await Promise.all(Array.from({ length: count }, (_, n) => holdOpen(new URL(url), n)));
  },

  /** @returns how many of them the server has ended. */
  closeHalf(): number {
    isHolding = false;
    for (const socket of halfOpen) socket.destroy();
    return endedByServer;
  },

  /** Sends forged callbacks over so many connections at once, each from an address of its own. */
  async flood(input: {
    readonly url: string;
    readonly count: number;
    readonly connections: number;
    readonly payments: readonly string[];
  }): Promise<FloodResult> {
    const { url, count, connections, payments } = input;
    const answers: Record<string, number> = {};
    const answerMs: number[] = [];
    let sent = 0;
    const beganMs = machineMs();
    async function attack(n: number): Promise<void> {
      const client = new Client(url, { localAddress: addressOf(n) });
      for (let at = sent++; at < count; at = sent++) {
        const { headers, body } = forgedCallback(at, payments);
        const sentMs = machineMs();
        const status = await client.request({ path, method: 'POST', headers, body }).then(
          async (answer) => {
            await answer.body.dump();
            return String(answer.statusCode);
          },
          () => 'none',
        );
        answers[status] = (answers[status] ?? 0) + 1;
        answerMs.push(machineMs() - sentMs);
      }
      await client.destroy();
    }
    await Promise.all(Array.from({ length: connections }, (_, n) => attack(n)));
    return { seconds: (machineMs() - beganMs) / 1000, answers, answerMs: Float64Array.from(answerMs) };
  },
};
export type FlooderCalls = typeof calls;
serveCalls(calls);
