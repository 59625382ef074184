import { connect, type Socket } from 'node:net';

/** The parts of an answer that load generators look at. The body is read as Latin-1. */
export type HttpAnswer = { readonly status: number; readonly body: string };

type Waiting = { readonly resolve: (answer: HttpAnswer) => void; readonly reject: (error: Error) => void };

/** All connections read into it: what was read is copied before anything else is. */
const readBuffer = Buffer.alloc(64 * 1024);

/**
 * Persistent connections to a server, each with one request at a time. It does as little as possible: the load generator shares the cores with the
 * server, and a general client takes about as much CPU time for a request as the fastest of the measured servers.
 */
export class HttpConnections {
  readonly #host: string;
  readonly #port: number;
  readonly #max: number;
  readonly #free: Connection[] = [];
  readonly #open = new Set<Connection>();
  readonly #queue: ((connection: Connection) => void)[] = [];

  /** @param max the number of connections; each is opened when it is first needed. */
  constructor(url: string, max: number) {
    const { hostname, port } = new URL(url);
    this.#host = hostname;
    this.#port = Number(port);
    this.#max = max;
  }

  /** The beginning of a POST, which `post` completes. Make it once for many requests. */
  headOf(path: string, headers: Readonly<Record<string, string>>): string {
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
    return `POST ${path} HTTP/1.1\r\nhost: ${this.#host}:${this.#port}\r\n${lines.join('')}content-length: `;
  }

  /** @throws {Error} when the connection ends before the answer, or the answer has no `content-length`. */
  async post(head: string, body: string): Promise<HttpAnswer> {
    const connection = this.#free.pop() ?? (await this.#next());
    try {
      return await connection.send(`${head}${Buffer.byteLength(body)}\r\n\r\n${body}`);
    } finally {
      this.#release(connection);
    }
  }

  close(): void {
    for (const connection of this.#open) connection.close();
  }

  #next(): Connection | Promise<Connection> {
    if (this.#open.size >= this.#max) return new Promise((resolve) => this.#queue.push(resolve));
    const connection = new Connection(this.#port, this.#host, () => this.#forget(connection));
    this.#open.add(connection);
    return connection;
  }

  #release(connection: Connection): void {
    const next = this.#queue.shift();
    if (connection.isOpen) {
      if (next === undefined) this.#free.push(connection);
      else next(connection);
    } else if (next !== undefined) {
      void Promise.resolve(this.#next()).then(next);
    }
  }

  #forget(connection: Connection): void {
    this.#open.delete(connection);
    const at = this.#free.indexOf(connection);
    if (at !== -1) this.#free.splice(at, 1);
  }
}

class Connection {
  readonly #socket: Socket;
  #received = '';
  #waiting: Waiting | null = null;
  #error: Error | null = null;
  isOpen = true;

  constructor(port: number, host: string, onClose: () => void) {
    const take = (length: number) => {
      this.#take(readBuffer.toString('latin1', 0, length));
      return true;
    };
    this.#socket = connect({ port, host, noDelay: true, onread: { buffer: readBuffer, callback: take } });
    this.#socket.on('error', (error) => {
      this.#error = error;
    });
    this.#socket.on('close', () => {
      this.isOpen = false;
      onClose();
      this.#waiting?.reject(this.#error ?? new Error('The server closed the connection before its answer.'));
    });
  }

  send(text: string): Promise<HttpAnswer> {
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject };
      this.#socket.write(text);
    });
  }

  close(): void {
    this.#socket.destroy();
  }

  #take(text: string): void {
    this.#received = this.#received === '' ? text : this.#received + text;
    const headEnd = this.#received.indexOf('\r\n\r\n');
    if (headEnd === -1) return;
    const head = this.#received.slice(0, headEnd);
    const [, length] = /\r\ncontent-length: (\d+)/i.exec(head) ?? [];
    if (length === undefined) {
      this.#error = new Error(`The answer has no content-length: ${head.slice(0, 300)}`);
      return this.close();
    }
    const end = headEnd + 4 + Number(length);
    if (this.#received.length < end) return;
    const answer = { status: Number(head.slice(9, 12)), body: this.#received.slice(headEnd + 4, end) };
    const waiting = this.#waiting;
    this.#received = '';
    this.#waiting = null;
    if (/\r\nconnection: close/i.test(head)) {
      this.isOpen = false;
      this.close();
    }
    waiting?.resolve(answer);
  }
}
