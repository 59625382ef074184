import type { Clock } from './clock.ts';
import type { Faults } from './faults.ts';
import type { Ledger } from './ledger.ts';

/** Shared by all simulated providers. */
export type SandboxContext = {
  readonly ledger: Ledger;
  readonly clock: Clock;
  readonly faults: Faults;
  /** The URL of the sandbox, without a trailing slash. */
  readonly baseUrl: () => string;
  /** Returns a new unique id, derived from the seed. */
  readonly newId: (prefix: string, length?: number) => string;
  /** True: a request without a response stays open. False: it gets status 599 at once. */
  readonly holdsRequests: boolean;
};
