import Stripe from 'stripe';
import type { InProcessRequest, InProcessResponse } from '../../sandbox/in-process.ts';

/** Passes a request to the sandbox. */
export type Door = (request: InProcessRequest) => Promise<InProcessResponse | 'unanswered' | 'reset'>;

/** The sandbox's marker for a timeout, for clients in virtual time. */
export const unansweredStatus = 599;

/**
 * Sends the Stripe SDK's requests through a door. After a broken connection the SDK retries after half a second of real time. This client
 * retries at once instead, and reports a second failure with a code that the SDK does not retry.
 */
export class DoorClient extends Stripe.HttpClient {
  readonly #door: Door;

  constructor(door: Door) {
    super();
    this.#door = door;
  }

  override getClientName(): string {
    return 'door';
  }

  override async makeRequest(
    _host: string,
    _port: string | number,
    path: string,
    method: string,
    headers: object,
    requestData: string | null,
  ): Promise<InstanceType<typeof Stripe.HttpClientResponse>> {
    const request: InProcessRequest = {
      method: method as InProcessRequest['method'],
      path,
      headers: Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)])),
      ...(requestData !== null && { body: requestData }),
    };
    let outcome = await this.#door(request);
    if (outcome === 'reset') outcome = await this.#door(request);
    if (outcome === 'reset') throw Object.assign(new Error('socket hang up'), { code: 'ECONNABORTED' });
    if (outcome === 'unanswered' || outcome.status === unansweredStatus) throw Stripe.HttpClient.makeTimeoutError();
    return new Answer(outcome);
  }
}

class Answer extends Stripe.HttpClientResponse {
  readonly #body: string;

  constructor({ status, headers, body }: InProcessResponse) {
    super(status, { ...headers });
    this.#body = body;
  }

  override getRawResponse(): unknown {
    return {};
  }

  override async toJSON(): Promise<unknown> {
    return JSON.parse(this.#body);
  }
}
