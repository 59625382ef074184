import { randomBytes } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import { merchantEventsText } from './graphql.ts';

const opcodes = { text: 1, close: 8, ping: 9, pong: 10 } as const;
const headEnd = '\r\n\r\n';
const nothing = Buffer.alloc(0);
/** The place of the type in the message of a result, `{"id":"1","type":"next","payload":…}`, and its first letter. */
const [typeAt, nextType] = ['{"id":"1","type":"'.length, 'n'.charCodeAt(0)];
/** All subscriptions read into it: what is needed later is copied before anything else is read. */
const readBuffer = Buffer.alloc(64 * 1024);

/**
 * A WebSocket that follows the events of a merchant, as graphql-transport-ws. It does as little as possible: the load generator shares the cores with
 * the server, and a general client takes several times the CPU time of a delivery for each message.
 */
export class Subscription {
  readonly #socket: Socket;
  readonly #greeting: object;
  readonly #receive: (json: string) => void;
  /** What was received of a head or a frame that is not complete. */
  #rest: Buffer = nothing;
  #isUpgraded = false;
  #onClose = () => {};
  isClosed = false;
  /** Is called for each result instead of `receive`, if it is given: the texts are not decoded. */
  count: (() => void) | null = null;

  /** @param greeting the first message. */
  constructor(url: string, greeting: object, receive: (json: string) => void) {
    this.#greeting = greeting;
    this.#receive = receive;
    const { hostname, port } = new URL(url);
    const take = (length: number) => {
      this.#take(readBuffer.subarray(0, length));
      return true;
    };
    this.#socket = connect({
      ...{ host: hostname, port: Number(port), noDelay: true, onread: { buffer: readBuffer, callback: take } },
    });
    this.#socket.on('error', () => undefined); // its close follows
    this.#socket.on('close', () => {
      this.isClosed = true;
      this.#onClose();
    });
    this.#socket.write(
      `GET /graphql HTTP/1.1\r\nhost: ${hostname}:${port}\r\nconnection: Upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n` +
        `sec-websocket-key: ${randomBytes(16).toString('base64')}\r\nsec-websocket-protocol: graphql-transport-ws${headEnd}`,
    );
  }

  send(message: object): void {
    this.#write(opcodes.text, Buffer.from(JSON.stringify(message)));
  }

  /** Reads nothing any more until `resume`. */
  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  terminate(): void {
    this.#socket.destroy();
  }

  /** Calls `act` when the connection has closed. Only the last one is called. */
  onClose(act: () => void): void {
    this.#onClose = act;
  }

  #take(bytes: Buffer): void {
    let data = this.#rest === nothing ? bytes : Buffer.concat([this.#rest, bytes]);
    this.#rest = nothing;
    if (!this.#isUpgraded) {
      const end = data.indexOf(headEnd);
      if (end !== -1) {
        if (!data.toString('latin1', 0, end).startsWith('HTTP/1.1 101 ')) return this.terminate();
        this.#isUpgraded = true;
        this.send(this.#greeting);
        data = data.subarray(end + headEnd.length);
      }
    }
    const done = this.#isUpgraded ? this.#takeFrames(data) : 0;
    if (done < data.length) this.#rest = Buffer.from(data.subarray(done));
  }

  /** @returns the length of the complete frames. */
  #takeFrames(data: Buffer): number {
    let at = 0;
    while (!this.#socket.destroyed) {
      const short = data[at + 1] ?? 0;
      const from = at + (short < 126 ? 2 : short === 126 ? 4 : 10);
      if (data.length < from) return at;
      const length =
        short < 126 ? short : short === 126 ? data.readUInt16BE(at + 2) : Number(data.readBigUInt64BE(at + 2));
      if (data.length < from + length) return at;
      const opcode = (data[at] ?? 0) & 15;
      if (opcode === opcodes.text) this.#takeText(data, from, from + length);
      else if (opcode === opcodes.ping) this.#write(opcodes.pong, data.subarray(from, from + length));
      else if (opcode === opcodes.close) this.terminate();
      at = from + length;
    }
    return data.length;
  }

  #takeText(data: Buffer, from: number, to: number): void {
    if (this.count !== null && data[from + typeAt] === nextType) this.count();
    else this.#receive(data.toString('latin1', from, to));
  }

  /** Frames of clients are masked; with zeros, the payload stays as it is. */
  #write(opcode: number, payload: Buffer): void {
    const header = Buffer.alloc(payload.length < 126 ? 6 : 8);
    header[0] = 0x80 | opcode;
    header[1] = 0x80 | Math.min(payload.length, 126);
    if (payload.length >= 126) header.writeUInt16BE(payload.length, 2);
    this.#socket.write(Buffer.concat([header, payload]));
  }
}

/**
 * Opens a subscription. Resolves when it is sent.
 *
 * @param receive gets each later message of the server as text.
 * @param count is called for each result instead, if it is given.
 */
export function openSubscription(
  { url, token, after }: { readonly url: string; readonly token: string; readonly after: string },
  receive: (json: string) => void,
  count: (() => void) | null = null,
): Promise<Subscription> {
  return new Promise((resolve, reject) => {
    let isGreeted = false;
    const greeting = { type: 'connection_init', payload: { authorization: `Bearer ${token}` } };
    const subscription = new Subscription(url, greeting, (json) => {
      if (isGreeted) return receive(json);
      isGreeted = true;
      if (!json.includes('connection_ack')) {
        subscription.terminate();
        return reject(new Error(`No connection_ack: ${json}`));
      }
      const payload = { query: merchantEventsText, variables: { after } };
      subscription.send({ id: '1', type: 'subscribe', payload });
      subscription.count = count;
      resolve(subscription);
    });
    subscription.onClose(() => reject(new Error('The server closed a new socket.')));
  });
}
