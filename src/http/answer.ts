import { type IncomingMessage, type OutgoingHttpHeaders, ServerResponse } from 'node:http';

/**
 * A response that begins with the headers that every answer has. They are kept as a list and written with the head: setting each of them
 * costs a tenth of a small query. A header that is set replaces the one of the list.
 */
export class Answer<Request extends IncomingMessage = IncomingMessage> extends ServerResponse<Request> {
  #first: string[] = [];
  requestId = '';

  /** @param headers names in lower case, each followed by its value. */
  begin(requestId: string, headers: readonly string[]): void {
    this.requestId = requestId;
    this.#first = ['x-request-id', requestId, ...headers];
  }

  /** Adds a header that a later `setHeader` may replace. */
  addFirst(name: string, value: string): void {
    this.#first.push(name, value);
  }

  /** As `setHeader`. It costs less while no other header is set. */
  replaceHeader(name: string, value: string): void {
    if (this.getHeaderNames().length > 0 || this.#first.includes(name)) this.setHeader(name, value);
    else this.addFirst(name, value);
  }

  /** Sends a complete body. */
  sendText(status: number, contentType: string, body: string): void {
    const ofBody = ['content-type', contentType, 'content-length', String(Buffer.byteLength(body))];
    if (this.getHeaderNames().length > 0) this.writeHead(status, ofBody);
    else super.writeHead(status, [...this.#first, ...ofBody]);
    this.end(body);
  }

  override writeHead(status: number, ...more: unknown[]): this {
    this.#setFirst();
    return super.writeHead(status, ...(more as [OutgoingHttpHeaders?]));
  }

  override getHeader(name: string): ReturnType<ServerResponse['getHeader']> {
    this.#setFirst();
    return super.getHeader(name);
  }

  #setFirst(): void {
    if (this.headersSent) return;
    const first = this.#first;
    this.#first = [];
    for (let index = 0; index + 1 < first.length; index += 2) {
      const [name = '', value = ''] = first.slice(index, index + 2);
      if (!this.hasHeader(name)) this.setHeader(name, value);
    }
  }
}
