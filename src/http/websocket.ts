import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import {
  type ExecutionArgs,
  GraphQLError,
  getOperationAST,
  OperationTypeNode,
  type parse,
  type validate,
} from 'graphql';
import { CloseCode, handleProtocols, makeServer, type Server } from 'graphql-ws';
import { type WebSocket, WebSocketServer } from 'ws';
import { overloadIn } from '../database/errors.ts';
import type { Role } from '../domain/actor.ts';
import type { Log } from '../domain/log.ts';
import type { Gate } from '../limits/gate.ts';
import { note } from '../telemetry/observe.ts';
import { refuseConnection } from './connection.ts';
import { type Deliveries, isDeliveries, untilEnded } from './deliveries.ts';
import { InitWaits } from './init-waits.ts';
import { frameBytesMax, type HttpLimits, httpLimits } from './limits.ts';
import { overloadedMessage, retryAfterMs } from './refusal.ts';
import { FrameWriter } from './result-frames.ts';
import { createSocketAnswers, type SocketAnswers } from './socket-answers.ts';
import { type SocketOperation, SocketOperations } from './socket-operations.ts';
import { SocketOutlet, tryAgainLater } from './socket-outlet.ts';
import { SocketPings } from './socket-pings.ts';
import type { SocketAdmission, SocketPlaces } from './socket-places.ts';

/** The part of the GraphQL server that the WebSocket server uses. */
export type Enveloped = (initial: object) => {
  schema: ExecutionArgs['schema'];
  parse: typeof parse;
  validate: typeof validate;
  execute: (args: ExecutionArgs) => unknown;
  subscribe: (args: ExecutionArgs) => unknown;
  contextFactory: () => unknown;
};

type Executors = Pick<ReturnType<Enveloped>, 'execute' | 'subscribe'> & {
  readonly operation: SocketOperation;
  /** Gives back the place of a query or mutation. */
  readonly leave: () => void;
  /** Registers the operation as in progress. */
  readonly begin: () => void;
  readonly deliver: (deliveries: Deliveries) => void;
};

/** The socket of an operation. `origin` is that of a page of another site. */
type Extra = {
  readonly socket: WebSocket;
  readonly outlet: SocketOutlet;
  readonly operations: SocketOperations;
  readonly origin: string | null;
  readonly address: string;
  readonly places: SocketPlaces;
  /** Ends the wait for the end of the caller's token; null while there is none. */
  stopWaiting: (() => void) | null;
};

/** The close code for more sockets than a limit allows. */
const tooMany = 4429;
/** How long a client may take to answer a close frame. */
const closeWaitMs = 2000;

/** For an operation that its client has completed before it started. The protocol sends nothing of it. */
const nothing = { data: null };

/** What all sockets share. */
type Watches = { readonly pings: SocketPings; readonly initWaits: InitWaits };

export type SocketCaller = {
  /** The end of the caller's token. `onEnd` returns the function that cancels it. */
  readonly revoked: { readonly isOver: boolean; onEnd(act: () => void): () => void };
  readonly webOrigins: readonly string[];
  readonly merchantId: string;
  readonly role: Role;
  readonly id: string;
};

export type WebSocketParts = {
  readonly getEnveloped: Enveloped;
  /** Resolves the caller of an `authorization` value; null for an invalid token. */
  authenticate(authorization: string): SocketCaller | null | Promise<SocketCaller | null>;
  mayCallFrom(origin: string | null, caller: SocketCaller): boolean;
  foreignOriginOf(request: IncomingMessage): string | null;
  addressOf(request: IncomingMessage): string;
  principalOf(caller: SocketCaller): string;
  readonly admission: SocketAdmission;
  readonly limits?: Pick<HttpLimits, 'backlogTimeoutMs'>;
  /** The operations of one socket that may be in progress. */
  readonly operationsPerSocket: number;
  /** Queries and mutations need a place here before their caller is looked up. */
  readonly operations: Gate;
  readonly log: Log;
};

export type WebSocketEntrance = {
  /** Takes over a connection that requests an upgrade to WebSocket. */
  open(request: IncomingMessage, socket: Duplex, head: Buffer): void;
  /** Closes every socket, after waiting up to `drainMs` for the answers of queries and mutations in progress. */
  close(drainMs: number): Promise<void>;
};

/**
 * GraphQL over WebSocket (graphql-transport-ws). The client sends its token in `connection_init` as `authorization`. An error of one
 * operation is sent to that operation and does not affect the others on the socket.
 */
export function serveWebSocket(parts: WebSocketParts): WebSocketEntrance {
  const { foreignOriginOf, addressOf, admission, limits = httpLimits } = parts;
  const sockets = new WebSocketServer({
    ...{ noServer: true, maxPayload: frameBytesMax, perMessageDeflate: false },
    handleProtocols: (protocols) => handleProtocols(protocols),
  });
  // An invalid handshake.
  sockets.on('wsClientError', ({ message }, connection) => refuseConnection(connection, 400, `${message}.`));
  const answers = createSocketAnswers();
  const watches: Watches = { pings: new SocketPings(), initWaits: new InitWaits() };
  const protocol = createProtocol(parts, answers, watches);
  const writer = new FrameWriter();
  async function endSockets(drainMs: number): Promise<void> {
    await answers.drain(sockets.clients, drainMs);
    for (const client of sockets.clients) client.close(1001, 'Going away');
    const terminationTimer = setTimeout(() => {
      for (const client of sockets.clients) client.terminate();
    }, closeWaitMs);
    await new Promise((resolve) => sockets.close(resolve));
    clearTimeout(terminationTimer);
  }

  let ending: Promise<void> | null = null;
  return {
    open(request, connection, head) {
      sockets.handleUpgrade(request, connection, head, (socket) => {
        const [address, origin] = [addressOf(request), foreignOriginOf(request)];
        const places = admission.open(address);
        if (typeof places === 'string') return closeNow(socket, places);
        const outlet = new SocketOutlet(socket, connection, writer, limits.backlogTimeoutMs);
        attach(protocol, { socket, outlet, address, places, origin }, watches, parts);
      });
    },
    close(drainMs) {
      ending ??= endSockets(drainMs);
      return ending;
    },
  };
}

function createProtocol(parts: WebSocketParts, answers: SocketAnswers, { initWaits }: Watches): Server<Extra> {
  return makeServer<Record<string, unknown>, Extra>({
    connectionInitWaitTimeout: 0, // see InitWaits
    // An invalid token closes the socket with 4403, because clients reconnect for ever after an error of one operation.
    onConnect({ connectionParams, extra }) {
      initWaits.end(extra.socket);
      return admit(parts, authorizationOf(connectionParams), extra);
    },
    async execute(args) {
      const { begin, execute, leave, operation } = executorsOf(args);
      begin();
      try {
        return (await execute(args)) as never;
      } finally {
        leave();
        operation.settle();
      }
    },
    async subscribe(args) {
      const { subscribe, deliver, operation } = executorsOf(args);
      if (operation.isEnded) return nothing as never;
      const result = await subscribe(args);
      operation.settle();
      if (!isDeliveries(result)) return result as never;
      // Not the protocol alone ends it: when the socket closes, it forgets those that have not started yet.
      operation.run(result);
      // The protocol keeps the arguments as long as the subscription, which needs them no more.
      Object.assign(args, { contextValue: null, rootValue: null });
      return untilEnded(result, () => deliver(result));
    },
    onComplete: ({ extra }, id) => answers.end(extra.socket, id),
    async onSubscribe({ connectionParams, extra }, id, { query, operationName, variables }) {
      const operation = extra.operations.get(id);
      const authorization = authorizationOf(connectionParams);
      const { schema, parse, validate, execute, subscribe, contextFactory } = parts.getEnveloped({
        requestId: randomUUID(),
        authorization,
        ...{ origin: extra.origin, address: extra.address, socket: extra.socket, lastEventId: null },
      });
      let leave = () => {};
      try {
        const document = parse(query);
        const errors = validate(schema, document);
        if (errors.length > 0) return errors.map(asBadInput);
        const definition = getOperationAST(document, operationName);
        if (!definition) {
          return [asBadInput(new GraphQLError('operationName does not name an operation of the document.'))];
        }
        // Subscriptions have none: thousands that return at once wait for the lookup of their callers.
        if (definition.operation !== OperationTypeNode.SUBSCRIPTION) {
          const left = parts.operations.enterNow() ?? (await parts.operations.enter());
          if (left === null) return { schema, document, operationName, rootValue: shed(operation), contextValue: null };
          leave = left;
        }
        const contextValue = await contextFactory();
        const begin = () => answers.begin(extra.socket, id);
        const deliver = (deliveries: Deliveries) => extra.outlet.deliver(deliveries, id);
        const executors: Executors = { execute, subscribe, begin, deliver, operation, leave };
        return { schema, document, operationName, variableValues: variables, contextValue, rootValue: executors };
      } catch (error) {
        leave();
        // A syntax error. If thrown, it would close the socket and end all its operations.
        if (error instanceof GraphQLError) return [asBadInput(error)];
        // A document that is nested so deeply that parsing it exhausts the stack.
        if (error instanceof RangeError) return [asBadInput(new GraphQLError('The operation is nested too deeply.'))];
        throw error;
      }
    },
  });
}

/** For an operation that has no place. */
function shed(operation: SocketOperation): Executors {
  note({ kind: 'shed', reason: 'overloaded' });
  const error = new GraphQLError(overloadedMessage, { extensions: { code: 'OVERLOADED', retryAfterMs } });
  const refuse = () => ({ errors: [error] });
  return { execute: refuse, subscribe: refuse, operation, begin: ignore, deliver: ignore, leave: ignore };
}

/** False closes the socket with 4403. Without a token the socket stays open, and each operation returns UNAUTHENTICATED. */
async function admit(
  { authenticate, mayCallFrom, principalOf }: WebSocketParts,
  authorization: string | null,
  extra: Extra,
): Promise<boolean> {
  const { socket, origin, places } = extra;
  if (authorization === null) return true;
  try {
    const caller = await authenticate(authorization);
    if (caller === null || !mayCallFrom(origin, caller)) return false;
    if (socket.readyState !== socket.OPEN) return false; // its `close` event is over: nothing would remove the listener
    const why = places.admit(principalOf(caller));
    if (why !== null) {
      socket.close(tooMany, why);
      return false;
    }
    if (caller.revoked.isOver) return false;
    extra.stopWaiting = caller.revoked.onEnd(() => socket.close(CloseCode.Forbidden, 'Forbidden'));
    return true;
  } catch (error) {
    if (overloadIn(error) === null) throw error;
    socket.close(tryAgainLater, 'Try again later');
    return true;
  }
}

/** Closes a socket that has no place, without reading from it. */
function closeNow(socket: WebSocket, why: string): void {
  socket.on('error', ignore);
  socket.close(tooMany, why);
  const timer = setTimeout(() => socket.terminate(), closeWaitMs);
  socket.once('close', () => clearTimeout(timer));
}

/** Connects one socket to the protocol. Protocol errors of the client close it with 4400 or higher, internal errors with 4500. */
function attach(
  protocol: Server<Extra>,
  parts: Omit<Extra, 'operations' | 'stopWaiting'>,
  { pings, initWaits }: Watches,
  { log, operationsPerSocket }: Pick<WebSocketParts, 'log' | 'operationsPerSocket'>,
): void {
  const { socket, outlet, places } = parts;
  // Emitted for invalid WebSocket frames; the library closes the socket with the matching code.
  socket.on('error', ignore);
  const requireReader = () => outlet.requireReader();
  socket.on('message', requireReader);
  socket.on('ping', requireReader);
  pings.add(socket);
  initWaits.begin(socket);
  let take: (text: string) => Promise<void> = async () => {};
  const operations = new SocketOperations(socket, operationsPerSocket, (text) =>
    take(text).catch((error: unknown) => closeAfter(error, text, socket, log)),
  );
  const extra: Extra = { ...parts, operations, stopWaiting: null };
  const closed = protocol.opened(
    {
      protocol: socket.protocol,
      send: (data) => outlet.sendMessage(data),
      close: (code, reason) => outlet.close(code, reason),
      onMessage: (takeMessage) => {
        take = takeMessage;
        socket.on('message', (data, isBinary) => {
          if (socket.readyState !== socket.OPEN) return; // it is being closed
          if (isBinary) return socket.close(CloseCode.BadRequest, 'Messages are text');
          operations.receive(String(data));
        });
      },
    },
    extra,
  );
  // One listener for all, because thousands of sockets are idle, and each listener takes memory.
  socket.on('close', (code, reason) => {
    places.release();
    extra.stopWaiting?.();
    pings.remove(socket);
    initWaits.end(socket);
    operations.close();
    closed(code, String(reason)).catch((error: unknown) =>
      log.error({ err: error }, 'a WebSocket could not be closed'),
    );
  });
}

/** Closes the socket after a message that the protocol could not process. */
function closeAfter(error: unknown, text: string, socket: WebSocket, log: Log): void {
  // A ping is answered with its payload, which can be nested too deeply to serialize.
  if (error instanceof RangeError) return socket.close(CloseCode.BadRequest, 'The message is nested too deeply');
  if (isServerMessage(text)) return socket.close(CloseCode.BadRequest, 'Only the server sends this message');
  log.error({ err: error }, 'a message on a WebSocket failed');
  socket.close(CloseCode.InternalServerError, 'Internal server error');
}

const serverMessageTypes: readonly unknown[] = ['connection_ack', 'next', 'error'];

/** Called only for messages that the protocol parsed, so `text` is valid JSON. */
function isServerMessage(text: string): boolean {
  const message: unknown = JSON.parse(text);
  return (
    typeof message === 'object' && message !== null && 'type' in message && serverMessageTypes.includes(message.type)
  );
}

function executorsOf({ rootValue }: { readonly rootValue?: unknown }): Executors {
  return rootValue as Executors;
}

/** Errors without a code of ours are mistakes in the request. What concerns only HTTP is left out. */
function asBadInput(error: GraphQLError): GraphQLError {
  const { message, nodes, source, positions, path } = error;
  const { code, http: _http, ...more } = error.extensions;
  const isOurs = typeof code === 'string' && !/^(GRAPHQL|BAD_REQUEST|OPERATION_RESOLUTION)/.test(code);
  const extensions = { ...more, code: isOurs ? code : 'BAD_USER_INPUT' };
  return new GraphQLError(message, { nodes, source, positions, path, extensions });
}

function authorizationOf(params: Readonly<Record<string, unknown>> | undefined): string | null {
  const entry = Object.entries(params ?? {}).find(([name]) => name.toLowerCase() === 'authorization');
  return typeof entry?.[1] === 'string' ? entry[1] : null;
}

function ignore(): void {}
