/**
 * What a connection may take from the server. Each limit is there for clients that send or read too slowly, or not at all; a client that
 * behaves never meets one. They belong together: headers must end before requests do, and the check must run more often than either.
 */
export type HttpLimits = {
  /** From a connection's first byte of a request to the end of its headers; afterwards 408. Also for a connection that sends nothing. */
  readonly headersTimeoutMs: number;
  /** From the same byte to the end of the body; afterwards 408. */
  readonly requestTimeoutMs: number;
  /** How often the two above are looked at. A slow sender is cut at most this much later. */
  readonly checkIntervalMs: number;
  /**
   * How long a connection may idle between two requests. Longer than the balancers in front keep theirs (AWS 60 s, Azure 240 s, Google
   * 600 s): the balancer must be the one that closes first, or it sends a request into a connection that is being closed and answers 502.
   */
  readonly keepAliveTimeoutMs: number;
  /**
   * How long a client may take nothing of an answer that is being sent. An event stream carries a sign of life every 12 s, so it is never
   * silent for so long unless its reader has stopped reading. That one is cut, and comes back with its cursor.
   */
  readonly stalledTimeoutMs: number;
  /** How long the rest of a refused body is read and dropped, so that its sender gets to read the answer. */
  readonly lingerMs: number;
};

export const httpLimits: HttpLimits = {
  headersTimeoutMs: 15_000,
  requestTimeoutMs: 30_000,
  checkIntervalMs: 1000,
  keepAliveTimeoutMs: 620_000,
  stalledTimeoutMs: 60_000,
  lingerMs: 2000,
};

/** The most that the body of a request, or a message on a socket, may have. */
export const bodyBytesMax = 256 * 1024;

/** The most that the request line and the headers may have together. */
export const headerBytesMax = 16 * 1024;
