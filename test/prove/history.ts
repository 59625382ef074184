import type { EventRow, Snapshot } from './rows.ts';

/** Facts as the log writes them: amounts as text, instants as RFC 3339. */
export type Facts = Readonly<Record<string, unknown>>;

/** An order as reconstructed from its events. */
export type Folded = {
  readonly order: Facts;
  readonly payments: ReadonlyMap<string, Facts>;
  readonly refunds: ReadonlyMap<string, Facts>;
  readonly lastSequence: number;
};

const nothing: Folded = { order: {}, payments: new Map(), refunds: new Map(), lastSequence: 0 };

/** The events of a schedule so far, and the state that they lead to. */
export class History {
  readonly events: EventRow[] = [];
  readonly folded = new Map<string, Folded>();

  /** The last sequence known of each order. */
  get known(): ReadonlyMap<string, number> {
    return new Map([...this.folded].map(([orderId, { lastSequence }]) => [orderId, lastSequence]));
  }

  /** Adds new events in log order. Calls `after` with the state after each event. */
  append(events: readonly EventRow[], after: (event: EventRow, before: Folded, folded: Folded) => void): void {
    for (const event of events) {
      const before = this.folded.get(event.orderId) ?? nothing;
      const folded = fold(before, event);
      this.events.push(event);
      this.folded.set(event.orderId, folded);
      after(event, before, folded);
    }
    // A transaction that began earlier may have committed later.
    this.events.sort((a, b) => a.epoch - b.epoch || compare(a.xid, b.xid) || compare(a.pos, b.pos));
  }
}

export function fold(before: Folded, { changes, sequence }: Pick<EventRow, 'changes' | 'sequence'>): Folded {
  const { order, payment, refund } = asLogged(changes) as {
    readonly order?: Facts;
    readonly payment?: Facts & { readonly id: string };
    readonly refund?: Facts & { readonly id: string };
  };
  return {
    order: { ...before.order, ...order },
    payments: payment === undefined ? before.payments : merged(before.payments, payment),
    refunds: refund === undefined ? before.refunds : merged(before.refunds, refund),
    lastSequence: sequence,
  };
}

/** Columns that events do not record: plans, derived values, and log positions. */
const notFacts = {
  order: new Set([
    ...(['paymentStatus', 'authorizedMinor', 'capturedMinor', 'refundedMinor', 'reservedMinor'] as const),
    ...(['version', 'epoch', 'xid', 'dueAt'] as const),
  ]),
  payment: new Set([
    ...(['nextAction', 'providerReference', 'checkAt', 'checkAttempts', 'leasedUntil', 'askedAt', 'hintedAt'] as const),
    ...(['captureMinor', 'captureAttempt', 'cardBrand', 'cardLast4', 'orderCreatedAt'] as const),
  ]),
  refund: new Set(['checkAt', 'checkAttempts', 'leasedUntil']),
} as const satisfies Record<string, ReadonlySet<string>>;

/** The differences between the rows of an order and its events. */
export function differencesOf(folded: Folded, { orders, payments, refunds }: Snapshot, orderId: string): string[] {
  const order = orders.find(({ id }) => id === orderId);
  if (order === undefined) return [`${orderId} has events and no row`];
  return [
    ...differing(orderId, folded.order, order, notFacts.order),
    ...differingRows(
      folded.payments,
      payments.filter((row) => row.orderId === orderId),
      notFacts.payment,
    ),
    ...differingRows(
      folded.refunds,
      refunds.filter((row) => row.orderId === orderId),
      notFacts.refund,
    ),
  ];
}

function differingRows(
  folded: ReadonlyMap<string, Facts>,
  rows: readonly { readonly id: string }[],
  without: ReadonlySet<string>,
): string[] {
  const ids = new Set([...folded.keys(), ...rows.map(({ id }) => id)]);
  return [...ids].flatMap((id) => {
    const row = rows.find((candidate) => candidate.id === id);
    const facts = folded.get(id);
    if (row === undefined) return [`${id} has events and no row`];
    if (facts === undefined) return [`${id} has a row and no events`];
    return differing(id, facts, row, without);
  });
}

function differing(id: string, folded: Facts, row: object, without: ReadonlySet<string>): string[] {
  const facts = asLogged(row) as Facts;
  const names = new Set([...Object.keys(folded), ...Object.keys(facts)]);
  return [...names]
    .filter((name) => !without.has(name))
    .filter((name) => JSON.stringify(folded[name]) !== JSON.stringify(facts[name]))
    .map((name) => `${id}.${name} is ${JSON.stringify(facts[name])}, its events say ${JSON.stringify(folded[name])}`);
}

function compare(a: bigint, b: bigint): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function merged(rows: ReadonlyMap<string, Facts>, row: Facts & { readonly id: string }): ReadonlyMap<string, Facts> {
  return new Map(rows).set(row.id, { ...rows.get(row.id), ...row });
}

function asLogged(value: unknown): unknown {
  return JSON.parse(
    JSON.stringify(value, (_, field: unknown) => (typeof field === 'bigint' ? field.toString() : field)),
  );
}
