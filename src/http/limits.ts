/**
 * Time limits of a connection, against clients that send or read too slowly. The limits depend on each other: `headersTimeoutMs` must be
 * shorter than `requestTimeoutMs`, and `checkIntervalMs` shorter than both.
 */
export type HttpLimits = {
  /** From the first byte of a request to the end of its headers; then 408. Also applies to a connection that sends nothing. */
  readonly headersTimeoutMs: number;
  /** From the first byte of a request to the end of its body; then 408. */
  readonly requestTimeoutMs: number;
  /** The interval at which the two limits above are checked. A slow sender is cut off at most this much later. */
  readonly checkIntervalMs: number;
  /**
   * The idle time between two requests after which a connection is closed. Longer than the idle timeouts of load balancers (AWS 60 s, Azure
   * 240 s, Google 600 s): if the server closed first, a balancer could send a request into the closing connection and answer 502.
   */
  readonly keepAliveTimeoutMs: number;
  /**
   * The time without progress after which the connection of a response in transfer is closed. An event stream has a heartbeat, so it
   * exceeds this limit only when its reader has stopped reading. The reader can reconnect with its cursor.
   */
  readonly stalledTimeoutMs: number;
  /** The interval between two signs of life on an event stream without events. */
  readonly heartbeatIntervalMs: number;
  /**
   * A subscriber whose connection has a backlog and has not read for this time is disconnected. It can reconnect with its cursor.
   */
  readonly backlogTimeoutMs: number;
  /** How long the rest of a refused body is read and discarded, so that the sender can read the answer. */
  readonly lingerMs: number;
};

export const httpLimits: HttpLimits = {
  headersTimeoutMs: 15_000,
  requestTimeoutMs: 30_000,
  checkIntervalMs: 1000,
  keepAliveTimeoutMs: 620_000,
  stalledTimeoutMs: 60_000,
  heartbeatIntervalMs: 12_000,
  backlogTimeoutMs: 30_000,
  lingerMs: 2000,
};

/** The maximum size of a request body. */
export const bodyBytesMax = 256 * 1024;

/** The maximum size of a WebSocket message. */
export const frameBytesMax = 64 * 1024;

/** The maximum size of the request line and the headers together. */
export const headerBytesMax = 16 * 1024;

/** No event is handed to a connection that has more unsent bytes than this. */
export const backlogBytesMax = 64 * 1024;
/**
 * A WebSocket gets no more events while its client has this many bytes still to read. What has left this process waits in the
 * buffers of both operating systems, which take many megabytes for each connection. A client has read what was sent before a ping when it answers it.
 */
export const unreadBytesMax = 1024 * 1024;
/** A ping follows at least so many bytes, so that a client that reads need not wait for its answers to arrive. */
export const bytesPerPing = 256 * 1024;
/**
 * From this many unsent bytes on, Node says when a connection has drained. It must be less than `backlogBytesMax`, or a subscription would wait for
 * ever; Node's own default depends on its version.
 */
export const drainBytesMin = 16 * 1024;
