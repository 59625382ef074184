import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { type ExecutionArgs, GraphQLError, getOperationAST, type parse, type validate } from 'graphql';
import { CloseCode, handleProtocols, makeServer, type Server } from 'graphql-ws';
import { type WebSocket, WebSocketServer } from 'ws';
import type { Log } from '../domain/log.ts';
import { refuseConnection } from './connection.ts';
import { bodyBytesMax } from './limits.ts';
import { createSocketAnswers, type SocketAnswers } from './socket-answers.ts';

/** The GraphQL server, as far as the socket entrance needs it. */
export type Enveloped = (initial: object) => {
  schema: ExecutionArgs['schema'];
  parse: typeof parse;
  validate: typeof validate;
  execute: (args: ExecutionArgs) => unknown;
  subscribe: (args: ExecutionArgs) => unknown;
  contextFactory: () => unknown;
};

type Executors = Pick<ReturnType<Enveloped>, 'execute' | 'subscribe'> & {
  /** Tells that an answer is under way. */
  readonly begin: () => void;
};

/** What an operation is told of the socket that it came by. */
type Extra = { readonly socket: WebSocket };

const connectionInitWaitMs = 10_000;
const pingIntervalMs = 30_000;
/** A client that does not answer our goodbye is cut off after this. */
const closeWaitMs = 2000;
/** A client that asks on and on, and reads nothing, is cut off when so much waits for it. */
const unsentBytesMax = 1024 * 1024;

export type WebSocketEntrance = {
  /** Takes a connection over that asks for a WebSocket. */
  open(request: IncomingMessage, socket: Duplex, head: Buffer): void;
  /** Closes every socket. Queries and mutations that are under way have their answers first, for `drainMs`. */
  close(drainMs: number): Promise<void>;
};

/**
 * GraphQL over WebSocket (graphql-transport-ws). The token travels in `connection_init` as `authorization`. What is wrong with one operation
 * is told to that operation; the others on the socket go on.
 */
export function serveWebSocket(getEnveloped: Enveloped, log: Log): WebSocketEntrance {
  const sockets = new WebSocketServer({
    ...{ noServer: true, maxPayload: bodyBytesMax, perMessageDeflate: false },
    handleProtocols: (protocols) => handleProtocols(protocols),
  });
  // A handshake that is none.
  sockets.on('wsClientError', ({ message }, connection) => refuseConnection(connection, 400, `${message}.`));
  const answers = createSocketAnswers();
  const protocol = createProtocol(getEnveloped, answers);
  async function endSockets(drainMs: number): Promise<void> {
    await answers.drain(sockets.clients, drainMs);
    for (const client of sockets.clients) client.close(1001, 'Going away');
    const impatience = setTimeout(() => {
      for (const client of sockets.clients) client.terminate();
    }, closeWaitMs);
    await new Promise((resolve) => sockets.close(resolve));
    clearTimeout(impatience);
  }

  let ending: Promise<void> | null = null;
  return {
    open(request, connection, head) {
      sockets.handleUpgrade(request, connection, head, (socket) => attach(protocol, socket, log));
    },
    close(drainMs) {
      ending ??= endSockets(drainMs);
      return ending;
    },
  };
}

function createProtocol(getEnveloped: Enveloped, answers: SocketAnswers): Server<Extra> {
  return makeServer<Record<string, unknown>, Extra>({
    connectionInitWaitTimeout: connectionInitWaitMs,
    execute: (args) => {
      const { begin, execute } = executorsOf(args);
      begin();
      return execute(args) as never;
    },
    subscribe: (args) => executorsOf(args).subscribe(args) as never,
    onComplete: ({ extra }, id) => answers.end(extra.socket, id),
    async onSubscribe({ connectionParams, extra }, id, { query, operationName, variables }) {
      const authorization = authorizationOf(connectionParams);
      const { schema, parse, validate, execute, subscribe, contextFactory } = getEnveloped({
        requestId: randomUUID(),
        authorization,
      });
      try {
        const document = parse(query);
        const errors = validate(schema, document);
        if (errors.length > 0) return errors.map(asBadInput);
        if (!getOperationAST(document, operationName)) {
          return [asBadInput(new GraphQLError('operationName names no operation of the document.'))];
        }
        const contextValue = await contextFactory();
        const executors: Executors = { execute, subscribe, begin: () => answers.begin(extra.socket, id) };
        return { schema, document, operationName, variableValues: variables, contextValue, rootValue: executors };
      } catch (error) {
        // A syntax error: thrown on, it would close the socket with everybody's operations.
        if (error instanceof GraphQLError) return [asBadInput(error)];
        // A document nested so deep that reading it runs out of stack is no better.
        if (error instanceof RangeError) return [asBadInput(new GraphQLError('The operation cannot be read.'))];
        throw error;
      }
    },
  });
}

/** Connects one socket with the protocol. What a client does wrong closes its socket with 4400 and more; what we do, with 4500. */
function attach(protocol: Server<Extra>, socket: WebSocket, log: Log): void {
  // Frames that break the WebSocket protocol: the library closes with the code for it.
  socket.on('error', ignore);
  const requireReader = () => {
    if (socket.bufferedAmount > unsentBytesMax) socket.terminate();
  };
  socket.on('message', requireReader);
  socket.on('ping', requireReader);
  const stopPinging = pingRegularly(socket);
  const closed = protocol.opened(
    {
      protocol: socket.protocol,
      send: (data) => send(socket, data),
      close: (code, reason) => socket.close(code, reason),
      onMessage: (take) => {
        socket.on('message', (data, isBinary) => {
          if (isBinary) return socket.close(CloseCode.BadRequest, 'Messages are text');
          const text = String(data);
          take(text).catch((error: unknown) => {
            // A ping is answered with its payload, which may be nested deeper than can be written.
            if (error instanceof RangeError)
              return socket.close(CloseCode.BadRequest, 'The message is nested too deep');
            if (isServersMessage(text)) return socket.close(CloseCode.BadRequest, 'Only the server sends this message');
            log.error({ err: error }, 'a message on a WebSocket failed');
            socket.close(CloseCode.InternalServerError, 'Internal server error');
          });
        });
      },
    },
    { socket },
  );
  socket.once('close', (code, reason) => {
    stopPinging();
    closed(code, String(reason)).catch((error: unknown) =>
      log.error({ err: error }, 'a WebSocket could not be let go'),
    );
  });
}

function send(socket: WebSocket, data: string): Promise<void> {
  return new Promise((resolve) => {
    if (socket.readyState !== socket.OPEN) return resolve();
    // A connection that broke is closed, and its operations with it; there is nobody to tell.
    socket.send(data, () => resolve());
  });
}

function pingRegularly(socket: WebSocket): () => void {
  let isAnswered = true;
  socket.on('pong', () => {
    isAnswered = true;
  });
  const timer = setInterval(() => {
    if (!isAnswered) return socket.terminate();
    isAnswered = false;
    if (socket.readyState === socket.OPEN) socket.ping();
  }, pingIntervalMs);
  return () => clearInterval(timer);
}

const serversMessages: readonly unknown[] = ['connection_ack', 'next', 'error'];

/** Asked only of messages that failed. They were valid, or would have been refused as such. */
function isServersMessage(text: string): boolean {
  const message: unknown = JSON.parse(text);
  return typeof message === 'object' && message !== null && 'type' in message && serversMessages.includes(message.type);
}

function executorsOf({ rootValue }: { readonly rootValue?: unknown }): Executors {
  return rootValue as Executors;
}

function asBadInput(error: GraphQLError): GraphQLError {
  const { message, nodes, source, positions, path } = error;
  return new GraphQLError(message, { nodes, source, positions, path, extensions: { code: 'BAD_USER_INPUT' } });
}

function authorizationOf(params: Readonly<Record<string, unknown>> | undefined): string | null {
  const entry = Object.entries(params ?? {}).find(([name]) => name.toLowerCase() === 'authorization');
  return typeof entry?.[1] === 'string' ? entry[1] : null;
}

function ignore(): void {}
