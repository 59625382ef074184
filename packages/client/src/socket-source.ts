import { type Client, createClient } from 'graphql-ws';
import { type AnsweredError, errorOf, networkError, PaystreamError } from './errors.ts';
import { type Source, silenceMsMax } from './source.ts';
import { headersOf, type Token } from './token.ts';

export type SocketParts = { readonly url: string; readonly token: Token; readonly webSocketImpl: unknown };

/** Subscriptions over one WebSocket, which is open while there are any. */
export function createSocketSource({ url, token, webSocketImpl }: SocketParts): {
  readonly source: Source;
  /** True once the server has accepted a WebSocket of this client. */
  readonly hasOpened: () => boolean;
  readonly close: () => void;
} {
  /** A function gets another token after one that has expired. */
  const isRenewable = typeof token === 'function';
  let client: Client | null = null;
  let isConnected = false;
  let hasOpened = false;

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
          hasOpened = true;
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
      const socket = client;
      /** The socket was open before: its token may have expired since. */
      const isJoined = isConnected;
      let isAccepted = isConnected;
      let isOver = false;
      let unlisten = () => {};
      const once = (act: () => void) => {
        if (isOver) return;
        isOver = true;
        unlisten();
        act();
      };
      const opened = () => {
        isAccepted = true;
        if (!isOver) sink.opened();
      };
      /** The token of the socket was valid and is no more: the next connection has another one. */
      const isExpired = (error: unknown): boolean => {
        if (!isRenewable) return false;
        if (isClosed(error)) return isAccepted && closeCodesOfToken.includes(error.code);
        return isJoined && Array.isArray(error) && failureOf(error).code === 'UNAUTHENTICATED';
      };
      const fail = (error: unknown) => {
        if (!isExpired(error)) return sink.closed(failureOf(error));
        sink.closed(networkError(failureOf(error), 'The token of the WebSocket is not valid any more.'));
        // The server is about to close it. What follows must not join it again.
        if (!isClosed(error)) socket.terminate();
      };
      if (isConnected) queueMicrotask(opened);
      else unlisten = client.on('connected', opened);
      const end = client.subscribe(
        { query, variables: variables as Record<string, unknown> },
        {
          next(result) {
            if (isExpired(result.errors)) once(() => fail(result.errors));
            else if (!isOver) sink.received(result as never);
          },
          error: (error) => once(() => fail(error)),
          complete: () => once(() => sink.closed(null)),
        },
      );
      return () => once(end);
    },
    hasOpened: () => hasOpened,
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

/** The close codes that are about the token. */
const closeCodesOfToken: readonly number[] = [4401, 4403];

/** True for the close of a socket, false for errors of one operation. */
function isClosed(error: unknown): error is { readonly code: number; readonly reason?: unknown } {
  return typeof (error as { code?: unknown } | null)?.code === 'number';
}

function failureOf(error: unknown): PaystreamError {
  if (error instanceof PaystreamError) return error;
  if (Array.isArray(error)) return errorOf(error as AnsweredError[]);
  if (!isClosed(error)) return networkError(error);
  const { code, reason } = error;
  const refusal = refusals[code];
  if (refusal === undefined) return networkError(new Error(`The WebSocket was closed: ${code} ${reason}`));
  return new PaystreamError(refusal.code, `${refusal.message} (${code}${reason ? ` ${reason}` : ''})`);
}
