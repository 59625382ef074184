import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

export type RawResponse = {
  readonly status: number;
  /** By name in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
};

/** A bare connection: what is sent is sent byte for byte, and answers are read as they come. */
export type RawConnection = {
  readonly socket: Socket;
  send(bytes: string | Buffer): void;
  /** The next answer; null when the server closes the connection before it is complete. */
  answer(how?: { readonly hasBody?: boolean }): Promise<RawResponse | null>;
  /** Resolves when the server has closed the connection. */
  readonly closed: Promise<void>;
  end(): void;
};

export async function openRaw(url: string): Promise<RawConnection> {
  const { hostname, port } = new URL(url);
  const socket = connect({ host: hostname, port: Number(port) });
  // Joined only when an answer is read: an event stream that nobody reads as answers may be large.
  let received: Buffer[] = [];
  let isClosed = false;
  let notice = () => {};
  socket.on('data', (chunk) => {
    received.push(chunk);
    notice();
  });
  socket.on('error', () => {}); // a reset is a way to close as well
  const closed = new Promise<void>((resolve) => {
    socket.once('close', () => {
      isClosed = true;
      notice();
      resolve();
    });
  });
  await once(socket, 'connect');
  return {
    ...{ socket, closed },
    send: (bytes) => void socket.write(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes),
    async answer({ hasBody = true } = {}) {
      for (;;) {
        const bytes = Buffer.concat(received);
        received = [bytes];
        const read = readAnswer(bytes, hasBody);
        if (read !== null) {
          received = [bytes.subarray(read.length)];
          return read.response;
        }
        if (isClosed) return null;
        await new Promise<void>((resolve) => {
          notice = resolve;
        });
      }
    },
    end: () => socket.destroy(),
  };
}

/** One exchange on a connection of its own. */
export async function exchange(url: string, bytes: string | Buffer): Promise<RawResponse | null> {
  const connection = await openRaw(url);
  connection.send(bytes);
  const answer = await connection.answer();
  connection.end();
  return answer;
}

export type RawRequest = {
  readonly method?: string;
  readonly target?: string;
  readonly version?: string;
  /** Each `name: value`. */
  readonly headers?: readonly string[];
  readonly body?: string | Buffer;
};

/** A request that is right but for what the caller changes. A body brings its content-length along. */
export function rawRequest({
  method = 'POST',
  target = '/graphql',
  version = '1.1',
  headers = [],
  body,
}: RawRequest): Buffer {
  const length = body === undefined ? [] : [`content-length: ${Buffer.byteLength(body)}`];
  const head = [`${method} ${target} HTTP/${version}`, 'host: 127.0.0.1', ...headers, ...length, '', ''].join('\r\n');
  return Buffer.concat([Buffer.from(head, 'latin1'), Buffer.from(body ?? '')]);
}

function readAnswer(
  bytes: Buffer,
  hasBody: boolean,
): { readonly response: RawResponse; readonly length: number } | null {
  const headEnd = bytes.indexOf('\r\n\r\n');
  if (headEnd === -1) return null;
  const [statusLine = '', ...lines] = bytes.subarray(0, headEnd).toString('latin1').split('\r\n');
  const headers = Object.fromEntries(
    lines.map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 1).trim()]),
  );
  const status = Number(statusLine.split(' ')[1]);
  const start = headEnd + 4;
  const length = hasBody && status >= 200 && status !== 204 ? Number(headers['content-length'] ?? 0) : 0;
  if (bytes.length < start + length) return null;
  return {
    response: { status, headers, body: bytes.subarray(start, start + length).toString() },
    length: start + length,
  };
}
