/** So many calls in a row, and so many a second in the long run. */
export type RateLimit = { readonly perSecond: number; readonly burst: number };

/** What one client may occupy and how often it may call. Every number has a line in README. */
export type Limits = {
  /** WebSockets of one client address. */
  readonly socketsPerAddress: number;
  /** Those of them that have not sent a valid token. */
  readonly anonymousSocketsPerAddress: number;
  /** WebSockets of one API key, token or order. */
  readonly socketsPerPrincipal: number;
  readonly subscriptionsPerSocket: number;
  /** Queries and mutations in progress, and subscriptions that start. Beyond it the socket is not read. */
  readonly operationsPerSocket: number;
  /** Over WebSocket and SSE together. */
  readonly subscriptionsPerPrincipal: number;
  /** Queries and mutations in progress on one node, without those that wait for a provider, and those that wait for a place. */
  readonly operationsInFlight: number;
  readonly operationsQueued: number;
  /** Of a merchant's server, by API key. */
  readonly mutations: RateLimit;
  readonly queries: RateLimit;
  /** Of a person or a browser, by token or order. */
  readonly personMutations: RateLimit;
  readonly personQueries: RateLimit;
  /** Operations without a valid token, by client address. */
  readonly unauthenticated: RateLimit;
  /** Callbacks that are refused, by client address. Genuine ones are not counted. */
  readonly refusedCallbacks: RateLimit;
};

/** One merchant may have thousands of dashboards, which share an API key. */
export const defaultLimits: Limits = {
  socketsPerAddress: 1000,
  anonymousSocketsPerAddress: 100,
  socketsPerPrincipal: 10_000,
  subscriptionsPerSocket: 100,
  operationsPerSocket: 32,
  subscriptionsPerPrincipal: 10_000,
  operationsInFlight: 256,
  operationsQueued: 256,
  mutations: { perSecond: 1000, burst: 2000 },
  queries: { perSecond: 2000, burst: 4000 },
  personMutations: { perSecond: 10, burst: 20 },
  personQueries: { perSecond: 50, burst: 100 },
  unauthenticated: { perSecond: 100, burst: 200 },
  refusedCallbacks: { perSecond: 10, burst: 600 },
};
