import type { SandboxContext } from './context.ts';
import type { Action } from './control-input.ts';
import type { Deliveries } from './deliveries.ts';
import type { HttpRequest, HttpResponse, HttpResult } from './http.ts';
import type { Table } from './ledger.ts';
import type { ProviderKey } from './provider-key.ts';

/** A payment that waits for its buyer, as the first page of the cashier lists it. */
export type PendingPayment = { readonly href: string; readonly label: string; readonly price: string };

/** One provider of the sandbox: its API, its cashier pages, its console, its ledger, its callbacks. */
export type SimulatedProvider = {
  readonly key: ProviderKey;
  /** True for the paths of its API. */
  readonly isApi: (path: string) => boolean;
  /** Serves one request of its API and applies the fault rules. Never rejects. */
  readonly serveApi: (request: HttpRequest) => Promise<HttpResult>;
  /** The kinds of its cashier pages: `/cashier/<kind>/…`. */
  readonly pageKinds: readonly string[];
  readonly servePage: (request: HttpRequest) => HttpResponse;
  /** The payments that wait for a buyer, newest first, grouped under headings. */
  readonly pendingPayments: () => readonly { readonly heading: string; readonly rows: readonly PendingPayment[] }[];
  /** The actions of its console: `POST /control/<provider>/…`, where `:id` stands for one segment of the path. */
  readonly actions: Readonly<Record<string, Action>>;
  /** The true state of its payments, oldest first; with the merchant's number of a payment, only of that payment. */
  readonly readLedger: (paymentId: string | null) => object;
  /** Every event, also those whose callback was never sent. */
  readonly events: () => readonly object[];
  readonly deliveries: Deliveries;
  /** Schedules tasks and deliveries again after a restart. */
  readonly resume: () => void;
};

export type ClockRow = { readonly id: 'clock'; readonly offsetMs: number };

/** The parts of one running sandbox. */
export type SandboxParts = {
  readonly context: SandboxContext;
  readonly providers: readonly SimulatedProvider[];
  readonly clockRows: Table<ClockRow>;
};
