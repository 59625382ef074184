import type pg from 'pg';
import type { EventType } from '../../src/domain/event.ts';
import { findLostWebhooks, findWebhooksOutOfSequence } from '../prove/hook-invariants.ts';
import { type ReceivedWebhook, startReceiver, verify } from '../support/webhook-receiver.ts';
import { type MortalServer, RefusedError } from './server.ts';

type Sent = { readonly id: string; readonly orderId: string; readonly sequence: number; readonly type: EventType };

const eventsSql = 'select id, order_id as "orderId", sequence, type from events order by epoch, xid, pos';
const endLeasesSql = 'update webhook_endpoints set leased_until = now(), due_at = now() where leased_until > now()';

/** The merchant's server, to which all events are posted, those of an order in sequence. */
export type Hook = {
  /** Registers it before there are any events. */
  register(server: MortalServer): Promise<void>;
  /**
   * Ends the lease of a dead server as time would, so that the next one goes on at once: 50 deaths would take 25 minutes. The last restart
   * waits.
   */
  endLeases(pool: pg.Pool): Promise<void>;
  /** Compares everything that it got with the log. Returns the differences. */
  check(pool: pg.Pool): Promise<string[]>;
  close(): Promise<void>;
};

export async function openHook(): Promise<Hook> {
  const receiver = await startReceiver();
  let id = '';
  return {
    async register(server) {
      const { answer } = await server.ask<{ answer: { secret?: string; endpoint?: { id: string } } }>(
        `mutation($url: String!) { answer: createWebhookEndpoint(input: { url: $url }) {
          ... on WebhookEndpointSecret { secret endpoint { id } } } }`,
        { url: receiver.url },
        new AbortController().signal,
      );
      if (answer.secret === undefined || answer.endpoint === undefined)
        throw new RefusedError(`The endpoint was not registered: ${JSON.stringify(answer)}`);
      const { secret } = answer;
      id = answer.endpoint.id;
      receiver.answerWith((webhook) => (isGenuine(secret, webhook) ? 204 : 400));
    },
    async endLeases(pool) {
      await pool.query(endLeasesSql);
    },
    async check(pool) {
      const { rows: events } = await pool.query<Sent>(eventsSql);
      const requests = receiver.received.map(({ payload: { data }, status }) => {
        const { id, orderId, sequence } = data;
        return { id, orderId, sequence, isAcknowledged: status < 300 };
      });
      const endpoints = [{ id, ordered: true, types: null, requests }];
      if (events.length === 0) return ['The log has no events.'];
      return [...findLostWebhooks(endpoints, events), ...findWebhooksOutOfSequence(endpoints, events)];
    },
    close: () => receiver.close(),
  };
}

function isGenuine(secret: string, webhook: Pick<ReceivedWebhook, 'headers' | 'body'>): boolean {
  try {
    verify(secret, webhook);
    return true;
  } catch {
    return false;
  }
}
