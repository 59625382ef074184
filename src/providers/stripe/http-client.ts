import http, { type IncomingMessage, type OutgoingHttpHeaders } from 'node:http';
import https from 'node:https';
import Stripe from 'stripe';
import { traceHeaders } from '../../telemetry/traceparent.ts';

/** The longest response is a page of a hundred objects with expanded objects in them: some hundred kilobytes. */
const answerBytesMax = 8 * 1024 * 1024;

/**
 * Why a request was not sent: it cannot be written, the server cannot be reached, or the server's identity is not
 * verified.
 */
type Obstacle = 'UNWRITABLE' | 'UNREACHABLE' | 'UNTRUSTED';

/** A request of which no byte was sent. The cause is Node's error. */
export class UnsentRequestError extends Error {
  readonly obstacle: Obstacle;
  constructor(obstacle: Obstacle, options: ErrorOptions) {
    super(`The request to Stripe was not sent: ${obstacle}.`, options);
    this.obstacle = obstacle;
  }
}

/** One call of the adapter, with all its requests. */
type Call = {
  readonly signal: AbortSignal;
  /**
   * True after a request that changes state was sent and not refused. The call as a whole may then have been executed.
   */
  mayHaveActed: boolean;
};

/** Options that every request of a call must have. They authenticate it and tell the client which call it belongs to. */
export type CallOptions = Required<Pick<Stripe.RequestOptions, 'authenticator'>>;

/** An HTTP client whose requests end with their call. The SDK accepts no signal. */
export type BoundedClient = {
  readonly client: Stripe.HttpClient;
  /**
   * Runs a call. Its requests end when the signal is aborted, and their connections are closed. `hasActed` returns
   * whether an earlier request may have changed state.
   */
  within<T>(signal: AbortSignal, call: (options: CallOptions, hasActed: () => boolean) => Promise<T>): Promise<T>;
};

/** The call of a request, by the request's headers: of what its options contain, only the headers reach the client. */
const calls = new WeakMap<object, Call>();

/** @param carrier sends the requests; null for persistent connections of its own. */
export function createBoundedClient(secretKey: string, carrier: Stripe.HttpClient | null): BoundedClient {
  return {
    client: new Client(carrier ?? new Connections()),
    within(signal, run) {
      const call: Call = { signal, mayHaveActed: false };
      const options: CallOptions = {
        async authenticator({ headers }) {
          headers.Authorization = `Bearer ${secretKey}`;
          calls.set(headers, call);
        },
      };
      return withoutStacks(() => run(options, () => call.mayHaveActed));
    },
  };
}

/** A request without the options of its call. It is not sent, because nothing could end it. */
export class UnboundRequestError extends Error {
  constructor() {
    super('A request to Stripe belongs to no call. This is a bug.');
  }
}

function callOf(request: Request): Call {
  const call = calls.get(request[4]);
  if (call === undefined) throw new UnboundRequestError();
  return call;
}

/**
 * The SDK reads the stack of every call, to add it to an error that may come. With source maps that takes longer than writing the request. Without it
 * the stacks of Stripe's errors begin in the SDK; the log says of which call they are.
 */
function withoutStacks<T>(begin: () => T): T {
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 0;
  try {
    return begin();
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
}

type Response = Stripe.HttpClientResponse;
type Request = Parameters<Stripe.HttpClient['makeRequest']>;

/** Refuses requests of a call that has ended, and records requests that may have changed state. */
class Client extends Stripe.HttpClient {
  readonly #carrier: Stripe.HttpClient;

  constructor(carrier: Stripe.HttpClient) {
    super();
    this.#carrier = carrier;
  }

  override getClientName(): string {
    return this.#carrier.getClientName();
  }

  override async makeRequest(...request: Request): Promise<Response> {
    const call = callOf(request);
    if (call.signal.aborted) throw endedCall(call.signal);
    const isChange = request[3] !== 'GET';
    try {
      const response = await this.#carrier.makeRequest(...request);
      const status = response.getStatusCode();
      const isRefusal = status >= 400 && status < 500;
      if (isChange && !isRefusal) call.mayHaveActed = true;
      return response;
    } catch (error) {
      if (isChange && !(error instanceof UnsentRequestError)) call.mayHaveActed = true;
      throw error;
    }
  }
}

/** Sends requests over Node's own connections. */
class Connections extends Stripe.HttpClient {
  readonly #agents = { http: new http.Agent({ keepAlive: true }), https: new https.Agent({ keepAlive: true }) };

  override getClientName(): string {
    return 'node';
  }

  override makeRequest(...given: Request): Promise<Response> {
    const [host, port, path, method, headers, body, protocol, timeoutMs] = given;
    const isPlain = protocol === 'http';
    const { signal } = callOf(given);
    return new Promise((resolve, reject) => {
      const request = begin(() =>
        (isPlain ? http : https).request({
          ...{ host, port, path, method, headers: { ...(headers as OutgoingHttpHeaders), ...traceHeaders() } },
          agent: isPlain ? this.#agents.http : this.#agents.https,
        }),
      );
      // Node writes nothing before the connection is established, and over TLS nothing before the server is verified.
      let isReached = false;
      let isReady = false;
      request.on('socket', (socket) => {
        if (request.reusedSocket) {
          isReady = true;
          return;
        }
        socket.once('connect', () => {
          isReached = true;
        });
        socket.once(isPlain ? 'connect' : 'secureConnect', () => {
          isReady = true;
        });
      });
      const end = () => request.destroy(endedCall(signal));
      signal.addEventListener('abort', end, { once: true });
      request.on('close', () => signal.removeEventListener('abort', end));
      request.setTimeout(timeoutMs, () => request.destroy(Stripe.HttpClient.makeTimeoutError()));
      request.on('response', (response) => resolve(new Answer(response)));
      request.on('error', (cause: NodeJS.ErrnoException) => {
        const isBroken = cause.code === 'ECONNRESET' || cause.code === 'ETIMEDOUT' || signal.aborted;
        const obstacle = isReached && !isBroken ? 'UNTRUSTED' : 'UNREACHABLE';
        reject(isReady ? cause : new UnsentRequestError(obstacle, { cause }));
      });
      request.end(body);
    });
  }
}

/** @throws {UnsentRequestError} for an invalid request, such as a header with a line feed. */
function begin<T>(request: () => T): T {
  try {
    return request();
  } catch (cause) {
    throw new UnsentRequestError('UNWRITABLE', { cause });
  }
}

/** The error has no code, because the SDK retries errors with the code of a broken connection. */
function endedCall({ reason }: AbortSignal): Error {
  return new Error('The call ended before the response arrived.', { cause: reason });
}

class Answer extends Stripe.HttpClientResponse {
  readonly #response: IncomingMessage;

  constructor(response: IncomingMessage) {
    super(response.statusCode ?? 0, response.headers as Record<string, string>);
    this.#response = response;
  }

  override getRawResponse(): IncomingMessage {
    return this.#response;
  }

  override toStream(onEnd: () => void): IncomingMessage {
    this.#response.once('end', onEnd);
    return this.#response;
  }

  override async toJSON(): Promise<unknown> {
    const chunks: Buffer[] = [];
    let bytes = 0;
    try {
      for await (const chunk of this.#response) {
        bytes += chunk.length;
        if (bytes > answerBytesMax) throw new RangeError(`The answer has more than ${answerBytesMax} bytes.`);
        chunks.push(chunk);
      }
    } catch (error) {
      throw Stripe.HttpClient.makeResponseBodyError(error);
    }
    return this._parseResponseBody(Buffer.concat(chunks).toString('utf8'));
  }
}
