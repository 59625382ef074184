import { createClient } from 'graphql-ws';
import WebSocket from 'ws';

export type Heard = { readonly cursor: string; readonly orderId: string; readonly sequence: number };

/** A dashboard that follows all orders and returns with its last cursor whenever its connection breaks. */
export class Follower {
  readonly heard: Heard[] = [];
  /** How often its subscription ended. */
  endings = 0;
  #url: string;
  #token: string;
  #isClosed = false;
  #close = () => {};
  #done: Promise<void>;
  #listeners = new Set<() => void>();

  constructor(url: string, token: string, after: string) {
    this.#url = url.replace('http', 'ws');
    this.#token = token;
    this.#done = this.#follow(after);
  }

  /** Resolves once it has heard of the event. */
  async until(cursorOrOrder: (heard: Heard) => boolean, signal: AbortSignal): Promise<void> {
    for (;;) {
      if (this.heard.some(cursorOrOrder)) return;
      signal.throwIfAborted();
      await new Promise<void>((resolve) => {
        const proceed = () => {
          this.#listeners.delete(proceed);
          signal.removeEventListener('abort', proceed);
          resolve();
        };
        this.#listeners.add(proceed);
        signal.addEventListener('abort', proceed);
      });
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#close();
    await this.#done;
  }

  async #follow(from: string): Promise<void> {
    let after = from;
    while (!this.#isClosed) {
      const client = createClient({
        url: `${this.#url}/graphql`,
        webSocketImpl: WebSocket,
        connectionParams: { authorization: `Bearer ${this.#token}` },
        retryAttempts: 0,
        // A node that died without closing its connection is noticed by this alone.
        keepAlive: 2000,
      });
      this.#close = () => void client.dispose();
      try {
        const query = `subscription($after: EventCursor) { event: merchantEvents(after: $after) { cursor orderId sequence } }`;
        for await (const { data } of client.iterate<{ event: Heard }>({ query, variables: { after } })) {
          if (data == null) break;
          this.heard.push(data.event);
          after = data.event.cursor;
          for (const listener of [...this.#listeners]) listener();
        }
      } catch {
        // Every ending is the same to it: it returns with its cursor.
      }
      this.endings += 1;
      await client.dispose();
      if (!this.#isClosed) await new Promise((resolve) => setTimeout(resolve, 50 + Math.random() * 200));
    }
  }
}
