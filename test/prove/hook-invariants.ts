import type { EventType } from '../../src/domain/event.ts';

type Sent = { readonly id: string; readonly orderId: string; readonly sequence: number; readonly type: EventType };

/** One request that an endpoint got. */
export type HookRequest = Omit<Sent, 'type'> & {
  /** True when the endpoint answered that it has the event. */
  readonly isAcknowledged: boolean;
};

/** An endpoint, with all requests that it got, in order. */
export type HookSide = {
  readonly id: string;
  readonly ordered: boolean;
  /** Null for all types. */
  readonly types: readonly EventType[] | null;
  readonly requests: HookRequest[];
};

function expectedOf<T extends Sent>({ types }: HookSide, events: readonly T[]): T[] {
  return events.filter(({ type }) => types === null || types.includes(type));
}

/** Invariant 15, at any time: an ordered endpoint gets an event only after it has acknowledged the earlier ones of the order. */
export function findWebhooksOutOfSequence(endpoints: readonly HookSide[], events: readonly Sent[]): string[] {
  return endpoints.flatMap((endpoint) => {
    const expected = expectedOf(endpoint, events);
    const acknowledged = new Set<string>();
    return endpoint.requests.flatMap(({ id, orderId, sequence, isAcknowledged }) => {
      const missing = endpoint.ordered
        ? expected.find(
            (event) => event.orderId === orderId && event.sequence < sequence && !acknowledged.has(event.id),
          )
        : undefined;
      if (isAcknowledged) acknowledged.add(id);
      if (!expected.some((event) => event.id === id)) return [`${endpoint.id}: got ${id}, which is none of its events`];
      return missing === undefined
        ? []
        : [
            `${endpoint.id}: got number ${sequence} of ${orderId} before it had acknowledged number ${missing.sequence}`,
          ];
    });
  });
}

/** Invariant 15, when all is quiet: every event of an endpoint's types was acknowledged. */
export function findLostWebhooks(endpoints: readonly HookSide[], events: readonly Sent[]): string[] {
  return endpoints.flatMap((endpoint) => {
    const acknowledged = new Set(endpoint.requests.filter(({ isAcknowledged }) => isAcknowledged).map(({ id }) => id));
    return expectedOf(endpoint, events)
      .filter(({ id }) => !acknowledged.has(id))
      .map(
        ({ id, type, orderId, sequence }) =>
          `${endpoint.id}: never got ${type} ${id} (number ${sequence} of ${orderId})`,
      );
  });
}
