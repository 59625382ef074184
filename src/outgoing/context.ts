import type { MasterKeys } from '../accounts/master-key.ts';
import type { Database } from '../database/database.ts';
import type { Clock } from '../domain/clock.ts';
import type { PassFailpoint } from '../domain/failpoint.ts';
import type { Log } from '../domain/log.ts';
import type { LoggedEvent } from '../events/log.ts';
import type { SendWebhook } from './transport.ts';

/** What the delivery of events to merchants' endpoints works with. */
export type OutgoingContext = {
  readonly db: Database;
  readonly clock: Clock;
  readonly log: Log;
  readonly failpoint: PassFailpoint;
  /** Null on a server without a master key, which cannot sign. */
  readonly masterKeys: MasterKeys | null;
  readonly send: SendWebhook;
  /** The body of a message: the event as the API shows it. The same for every attempt. */
  readonly render: (event: LoggedEvent) => Promise<string>;
  /** A number from 0 to 1, for the jitter. */
  readonly chance: () => number;
};

/** Transactions of this room take one connection of a node: payments come first. */
export const turn = { turn: 'outgoing webhooks' } as const;
