import { type Client, createClient } from 'graphql-ws';
import { type AnsweredError, errorOf, networkError, PaystreamError } from './errors.ts';
import { type Source, silenceMsMax } from './source.ts';
import { headersOf, type Token } from './token.ts';

export type SocketParts = { readonly url: string; readonly token: Token; readonly webSocketImpl: unknown };

/** Subscriptions over one WebSocket, which is open while there are any. */
export function createSocketSource({ url, token, webSocketImpl }: SocketParts): {
  readonly source: Source;
  readonly close: () => void;
} {
  let client: Client | null = null;
  let isConnected = false;

  function open(): Client {
    let silence: ReturnType<typeof setTimeout> | undefined;
    const listen = () => {
      clearTimeout(silence);
      silence = setTimeout(() => opened.terminate(), silenceMsMax);
    };
    const opened = createClient({
      url: url.replace(/^http/, 'ws'),
      webSocketImpl: quiet(webSocketImpl as SocketClass),
      retryAttempts: 0, // `follow` reconnects, with the last cursor
      keepAlive: silenceMsMax / 4,
      connectionAckWaitTimeout: silenceMsMax,
      connectionParams: () => headersOf(token),
      on: {
        connecting: listen,
        connected() {
          isConnected = true;
          listen();
        },
        message: () => isConnected && listen(),
        closed() {
          isConnected = false;
          clearTimeout(silence);
        },
      },
    });
    return opened;
  }

  return {
    source({ query, variables }, sink) {
      client ??= open();
      let isOver = false;
      let unlisten = () => {};
      const once = (act: () => void) => {
        if (isOver) return;
        isOver = true;
        unlisten();
        act();
      };
      const opened = () => {
        if (!isOver) sink.opened();
      };
      if (isConnected) queueMicrotask(opened);
      else unlisten = client.on('connected', opened);
      const end = client.subscribe(
        { query, variables: variables as Record<string, unknown> },
        {
          next(result) {
            if (!isOver) sink.received(result as never);
          },
          error: (error) => once(() => sink.closed(failureOf(error))),
          complete: () => once(() => sink.closed(null)),
        },
      );
      return () => once(end);
    },
    close() {
      const closed = client;
      client = null;
      // It rejects when the socket is just being opened and cannot be.
      void Promise.resolve(closed?.dispose()).catch(() => {});
      isConnected = false;
    },
  };
}

type SocketClass = new (
  url: string,
  protocol: string,
) => { addEventListener(type: 'error', listener: () => void): void };

/** `ws` throws errors that nobody listens to, and graphql-ws does not listen any more to a socket that it terminates while it is being opened. */
function quiet(socketClass: SocketClass): SocketClass {
  return class extends socketClass {
    constructor(url: string, protocol: string) {
      super(url, protocol);
      this.addEventListener('error', () => {});
    }
  };
}

/** What the server's close codes mean: those that are not here pass. */
const refusals: Readonly<Record<number, { readonly code: string; readonly message: string }>> = {
  4400: { code: 'BAD_USER_INPUT', message: 'The server could not read a message.' },
  4401: { code: 'UNAUTHENTICATED', message: 'The token is missing.' },
  4403: { code: 'FORBIDDEN', message: 'The token is not valid, or pages of this origin may not call the API.' },
  4406: { code: 'TRANSPORT', message: 'The server does not speak graphql-transport-ws.' },
  4429: { code: 'RATE_LIMITED', message: 'There are too many WebSockets of this address or this token.' },
};

function failureOf(error: unknown): PaystreamError {
  if (error instanceof PaystreamError) return error;
  if (Array.isArray(error)) return errorOf(error as AnsweredError[]);
  const { code, reason } = (error ?? {}) as { code?: unknown; reason?: unknown };
  const refusal = typeof code === 'number' ? refusals[code] : undefined;
  if (refusal !== undefined) {
    return new PaystreamError(refusal.code, `${refusal.message} (${code}${reason ? ` ${reason}` : ''})`);
  }
  return networkError(typeof code === 'number' ? new Error(`The WebSocket was closed: ${code} ${reason}`) : error);
}
