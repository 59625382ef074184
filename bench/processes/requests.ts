import { setTimeout as delay } from 'node:timers/promises';
import { machineMs } from '../support/clock.ts';
import { createOrderText, orderInputOf, orderText } from '../support/graphql.ts';
import { HttpConnections } from '../support/http-connections.ts';
import { timedNumber } from '../support/order-number.ts';
import { serveCalls } from '../support/process-calls.ts';

/** Sends GraphQL operations over persistent connections. */
export type Operation =
  | { readonly kind: 'createOrder' }
  | { readonly kind: 'order'; readonly id: string }
  | { readonly kind: 'typename' }
  | { readonly kind: 'document'; readonly query: string; readonly variables: object };

export type RequestsInput = {
  readonly url: string;
  readonly token: string;
  readonly operation: Operation;
  /** The number of clients. Each sends its next request when the last one is answered. */
  readonly clients: number;
  /** Ends after so many requests, or after so much time. */
  readonly count?: number;
  readonly seconds?: number;
  /** Sends a request that was refused with OVERLOADED again until it is done, as a shop does. */
  readonly repeatsOverloaded?: boolean;
};

export type RequestsResult = {
  readonly done: number;
  /** Refused with OVERLOADED. */
  readonly overloaded: number;
  /** Any other answer. */
  readonly failed: number;
  readonly firstFailure: string | null;
  readonly beganMs: number;
  readonly seconds: number;
  readonly doneMs: Float64Array;
  readonly overloadedMs: Float64Array;
};

const repeatDelayMs = 100;

let pool: { readonly url: string; readonly clients: number; readonly connections: HttpConnections } | null = null;

/** Kept between two calls, so that connections are measured once. */
function poolOf(url: string, clients: number): HttpConnections {
  if (pool?.url === url && pool.clients === clients) return pool.connections;
  pool?.connections.close();
  pool = { url, clients, connections: new HttpConnections(url, clients) };
  return pool.connections;
}

function bodyOf(operation: Operation): string {
  switch (operation.kind) {
    case 'createOrder':
      return JSON.stringify({ query: createOrderText, variables: orderInputOf(timedNumber()) });
    case 'order':
      return JSON.stringify({ query: orderText, variables: { id: operation.id } });
    case 'document':
      return JSON.stringify({ query: operation.query, variables: operation.variables });
    case 'typename':
      return '{"query":"{ __typename }"}';
  }
}

async function run(input: RequestsInput): Promise<RequestsResult> {
  const { url, token, operation, clients, count, seconds, repeatsOverloaded = false } = input;
  const connections = poolOf(url, clients);
  const head = connections.headOf('/graphql', {
    'content-type': 'application/json',
    authorization: `Bearer ${token}`,
  });
  const done: number[] = [];
  const overloaded: number[] = [];
  let failed = 0;
  let firstFailure: string | null = null;
  let left = count ?? Number.POSITIVE_INFINITY;
  const beganMs = machineMs();
  const endMs = beganMs + (seconds ?? Number.POSITIVE_INFINITY) * 1000;

  async function send(): Promise<void> {
    const body = bodyOf(operation);
    const sentMs = machineMs();
    for (;;) {
      const attemptMs = machineMs();
      const { status, body: text } = await connections.post(head, body);
      const nowMs = machineMs();
      if (status === 200 && !text.includes('"errors"') && !text.includes('Error"')) {
        done.push(nowMs - sentMs);
        return;
      }
      if (!text.includes('"OVERLOADED"')) {
        failed += 1;
        firstFailure ??= `${status} ${text.slice(0, 300)}`;
        return;
      }
      overloaded.push(nowMs - attemptMs);
      if (!repeatsOverloaded) return;
      await delay(repeatDelayMs);
    }
  }

  async function client(): Promise<void> {
    while (left > 0 && machineMs() < endMs) {
      left -= 1;
      await send().catch((error: unknown) => {
        failed += 1;
        firstFailure ??= String(error);
      });
    }
  }

  await Promise.all(Array.from({ length: clients }, client));
  return {
    ...{ done: done.length, overloaded: overloaded.length, failed, firstFailure, beganMs },
    seconds: (machineMs() - beganMs) / 1000,
    doneMs: Float64Array.from(done),
    overloadedMs: Float64Array.from(overloaded),
  };
}

const calls = { run };
export type RequestsCalls = typeof calls;
serveCalls(calls);
