import { randomUUID } from 'node:crypto';
import { type IncomingMessage, type Server, type ServerResponse, STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { headerBytesMax, httpLimits } from './limits.ts';
import type { RefusalCode } from './refusal.ts';
import { graphqlRefusal } from './reply.ts';

/** Answers on a bare connection, where there is no response object, and closes it once the client had time to read. */
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
    'content-type': 'application/json; charset=utf-8',
    'content-length': Buffer.byteLength(body),
    ...headers,
  };
  const lines = Object.entries(fields).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${lines.join('')}\r\n${body}`);
  // Bytes that nobody has read when a connection closes take the answer with them.
  socket.resume();
  const timer = setTimeout(() => socket.destroy(), httpLimits.lingerMs);
  socket.once('end', () => socket.destroy());
  socket.once('close', () => clearTimeout(timer));
}

/**
 * A response that waits for its turn behind another has no connection yet, so nothing tells it that the connection has closed. It is told
 * here, or it would count as open until the process ends.
 */
export function closeWaiting(server: Server, open: ReadonlySet<ServerResponse>): void {
  const watched = new WeakSet<Duplex>();
  server.on('connection', (socket) => {
    if (watched.has(socket)) return; // handed in once more, by `ignoreUpgrade`
    watched.add(socket);
    socket.once('close', () => {
      const waiting = [...open].filter((response) => response.req.socket === socket && response.socket === null);
      for (const response of waiting) response.destroy().emit('close');
    });
  });
}

/** What the parser refuses, or what took too long: answered as everything else is, with no word about how we are built. */
export function answerClientErrors(server: Server, open: ReadonlySet<ServerResponse>): void {
  const refused = new WeakSet<Duplex>();
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    if (refused.has(socket)) return;
    refused.add(socket);
    const [status, message] = reasonOf(error.code);
    const refuse = () => refuseConnection(socket, status, message);
    const responses = [...open].filter(({ req }) => req.socket === socket);
    // Its request ends here. The log reads from the response how it was answered.
    if (status === 408) for (const response of responses) if (!response.req.complete) response.statusCode = status;
    const earlier = responses.filter(({ req }) => req.complete).at(-1);
    // An answer that is sent in part can be followed by nothing.
    if (responses.some(({ headersSent, writableEnded }) => headersSent && !writableEnded)) return void socket.destroy();
    // Answers to requests before this one are under way on the same connection: they come first.
    if (earlier !== undefined) return void earlier.once('finish', refuse);
    refuse();
  });
}

function reasonOf(code: string | undefined): [status: number, message: string] {
  switch (code) {
    case 'HPE_HEADER_OVERFLOW':
      return [431, `The request line and the headers must have at most ${headerBytesMax} bytes together.`];
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return [408, 'The request did not arrive in time.'];
    default:
      return [400, 'The request is not well-formed HTTP/1.1.'];
  }
}

/**
 * Cuts a connection whose client takes nothing of its answer any more. While an answer is still being worked on, silence is nobody's fault.
 * The events that wait for a slow reader do not pile up: they are read from the log as it takes them, a buffer at a time.
 */
export function cutStalledReaders(server: Server, open: ReadonlySet<ServerResponse>, stalledTimeoutMs: number): void {
  server.timeout = stalledTimeoutMs;
  server.on('timeout', (socket) => {
    const responses = [...open].filter(({ req }) => req.socket === socket);
    const isWorkedOn = responses.length > 0 && responses.every(({ headersSent }) => !headersSent);
    if (isWorkedOn) socket.setTimeout(stalledTimeoutMs);
    else socket.destroy();
  });
}

export function isWebSocketUpgrade({ headers }: IncomingMessage): boolean {
  return headers.upgrade?.trim().toLowerCase() === 'websocket';
}

/**
 * An upgrade to anything but a WebSocket is an offer that a server may ignore. Java's and .NET's clients offer `h2c` with their first
 * request. The parser has let go of the connection by then, so the request is handed in once more, without the offer.
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
