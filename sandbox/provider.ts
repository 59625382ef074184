import type { Clock } from './clock.ts';
import type { Action } from './control-input.ts';
import type { Deliveries } from './deliveries.ts';
import type { Faults } from './faults.ts';
import type { HttpOutcome, HttpRequest, HttpResponse } from './http.ts';
import type { Ledger } from './ledger.ts';

/** The providers that the sandbox stands in for, as its paths and its control name them. */
export const providerKeys = ['stripe', 'alipay', 'wechatpay'] as const;
export type ProviderKey = (typeof providerKeys)[number];

/** What every side works on. */
export type SandboxContext = {
  readonly ledger: Ledger;
  readonly clock: Clock;
  readonly faults: Faults;
  /** Where the sandbox is, without a slash at the end. */
  readonly baseUrl: () => string;
  /** An id that follows from the seed and was never given before. */
  readonly newId: (prefix: string, length?: number) => string;
  /** Whoever is answered later is kept waiting; else such a request counts as unanswered at once. */
  readonly holdsRequests: boolean;
};

/** What waits for a buyer, as the cashier's first page lists it. */
export type PendingPayment = { readonly href: string; readonly label: string; readonly price: string };

/** One provider's side of the sandbox: its API, its cashier pages, its console, its books. */
export type SimulatedProvider = {
  readonly provider: ProviderKey;
  /** True for the paths that its API answers. */
  readonly isApi: (path: string) => boolean;
  /** Answers one request of its API, well or ill as the fault rules say. Never rejects. */
  readonly serveApi: (request: HttpRequest) => Promise<HttpOutcome>;
  /** The kinds of its cashier pages: `/cashier/<kind>/…`. */
  readonly pageKinds: readonly string[];
  readonly servePage: (request: HttpRequest) => HttpResponse;
  /** What waits to be paid, newest first, under a heading each. */
  readonly pendingPayments: () => readonly { readonly heading: string; readonly rows: readonly PendingPayment[] }[];
  /** What can be done in its console: `POST /control/<provider>/…`, with `:id` for one piece of the path. */
  readonly actions: Readonly<Record<string, Action>>;
  /** Its truth, oldest first; with the merchant's number of a payment, what concerns that one. */
  readonly readLedger: (paymentId: string | null) => object;
  /** Everything that happened, as it was told, or would have been. */
  readonly events: () => readonly object[];
  readonly deliveries: Deliveries;
  /** Takes up again what was planned before a restart. */
  readonly resume: () => void;
};
