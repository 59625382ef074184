import { randomUUID } from 'node:crypto';
import { type IncomingMessage, type Server, type ServerResponse, STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { headerBytesMax, httpLimits } from './limits.ts';
import type { RefusalCode } from './refusal.ts';
import { graphqlRefusal } from './reply.ts';

/** Answers on a socket without a response object, and closes it after the client had time to read the answer. */
export function refuseConnection(
  socket: Duplex,
  status: number,
  message: string,
  headers: Readonly<Record<string, string>> = {},
  code: RefusalCode = 'BAD_USER_INPUT',
): void {
  socket.on('error', ignore);
  if (!socket.writable) return void socket.destroy();
  const body = JSON.stringify(graphqlRefusal(message, code));
  const fields = {
    'x-request-id': randomUUID(),
    connection: 'close',
    'x-content-type-options': 'nosniff',
    'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
    'content-type': 'application/json; charset=utf-8',
    'content-length': Buffer.byteLength(body),
    ...headers,
  };
  const lines = Object.entries(fields).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${lines.join('')}\r\n${body}`);
  // Unread bytes at the time of closing would reset the connection, and the client would lose the answer.
  socket.resume();
  const timer = setTimeout(() => socket.destroy(), httpLimits.lingerMs);
  socket.once('end', () => socket.destroy());
  socket.once('close', () => clearTimeout(timer));
}

/**
 * Closes the responses that wait behind another one on the same connection when that connection closes. Node assigns them no socket yet and
 * emits no `close` event for them, so they would count as open until the process ends.
 */
export function closeWaiting(server: Server, open: ReadonlySet<ServerResponse>): void {
  const watched = new WeakSet<Duplex>();
  // One function for all connections, because thousands are idle.
  function closeThoseOf(this: Duplex): void {
    const waiting = [...open].filter((response) => response.req.socket === this && response.socket === null);
    for (const response of waiting) response.destroy().emit('close');
  }
  server.on('connection', (socket) => {
    if (watched.has(socket)) return; // emitted again by `ignoreUpgrade`
    watched.add(socket);
    socket.on('close', closeThoseOf);
  });
}

/** Answers requests that the HTTP parser refuses, and requests that time out, in the same form as all other refusals. */
export function answerClientErrors(server: Server, open: ReadonlySet<ServerResponse>): void {
  const refused = new WeakSet<Duplex>();
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    if (refused.has(socket)) return;
    refused.add(socket);
    const [status, message] = reasonOf(error.code);
    const refuse = () => refuseConnection(socket, status, message);
    const responses = [...open].filter(({ req }) => req.socket === socket);
    // The callback log reads the status from the response.
    if (status === 408) for (const response of responses) if (!response.req.complete) response.statusCode = status;
    const earlier = responses.filter(({ req }) => req.complete).at(-1);
    // Nothing can follow a partially sent answer.
    if (responses.some(({ headersSent, writableEnded }) => headersSent && !writableEnded)) return void socket.destroy();
    // Earlier requests on the same connection are answered first.
    if (earlier !== undefined) return void earlier.once('finish', refuse);
    refuse();
  });
}

function reasonOf(code: string | undefined): [status: number, message: string] {
  switch (code) {
    case 'HPE_HEADER_OVERFLOW':
      return [431, `The request line and the headers must have at most ${headerBytesMax} bytes together.`];
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return [408, 'The request did not arrive in time. Send its headers within 15 s and its body within 30 s.'];
    default:
      return [400, 'The request is not well-formed HTTP/1.1.'];
  }
}

/**
 * Closes connections whose client has stopped reading its answer. A connection that waits for an answer in progress stays open.
 * Events do not accumulate for a slow reader: they are read from the log as the reader takes them.
 */
export function cutStalledReaders(server: Server, open: ReadonlySet<ServerResponse>, stalledTimeoutMs: number): void {
  server.timeout = stalledTimeoutMs;
  server.on('timeout', (socket) => {
    const responses = [...open].filter(({ req }) => req.socket === socket);
    const isInProgress = responses.length > 0 && responses.every(({ headersSent }) => !headersSent);
    if (isInProgress) socket.setTimeout(stalledTimeoutMs);
    else socket.destroy();
  });
}

export function isWebSocketUpgrade({ headers }: IncomingMessage): boolean {
  return headers.upgrade?.trim().toLowerCase() === 'websocket';
}

/**
 * Handles an upgrade to a protocol other than WebSocket as a normal request, as a server may. Java's and .NET's clients offer `h2c` with
 * their first request. Node's parser has released the connection at this point, so the request is emitted again without the offer.
 */
export function ignoreUpgrade(server: Server, request: IncomingMessage, socket: Duplex, head: Buffer): void {
  const { method, url, httpVersion, rawHeaders } = request;
  const lines = [`${method} ${url} HTTP/${httpVersion}`];
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const [name = '', value = ''] = rawHeaders.slice(index, index + 2);
    if (offerHeaders.includes(name.toLowerCase())) continue;
    lines.push(`${name}: ${name.toLowerCase() === 'connection' ? withoutOffer(value) : value}`);
  }
  socket.unshift(Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1'), head]));
  server.emit('connection', socket);
}

const offerHeaders: readonly string[] = ['upgrade', 'http2-settings'];

function withoutOffer(connection: string): string {
  const tokens = connection.split(',').map((token) => token.trim());
  return tokens.filter((token) => token !== '' && !offerHeaders.includes(token.toLowerCase())).join(', ');
}

function ignore(): void {}
