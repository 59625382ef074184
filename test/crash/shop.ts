import { setTimeout as delay } from 'node:timers/promises';
import type { Sandbox } from '../../sandbox/server.ts';
import { type MortalServer, RefusedError, stripeKeys } from './server.ts';

/** The answers that a client got for each key: a repetition must get the same. */
export type Answers = Map<string, string>;

/** Repeats a request until it is answered. */
export type Asked = Pick<MortalServer, 'ask'>;

type PaymentAnswer = {
  id: string;
  status: string;
  nextAction: { clientSecret: string } | null;
};

const pollMs = 50;
const paymentFields = 'id status nextAction { ... on ConfirmCardAction { clientSecret } }';

/** A merchant's frontend. Its server crashes repeatedly, so it repeats each call with the same key until it gets an answer. */
export class Shop {
  readonly answers: Answers = new Map();
  #server: Asked;
  #sandbox: Sandbox;
  #signal: AbortSignal;

  constructor(server: Asked, sandbox: Sandbox, signal: AbortSignal) {
    this.#server = server;
    this.#sandbox = sandbox;
    this.#signal = signal;
  }

  /** An order that is paid at once, queried, and refunded in two parts. */
  async sell(name: string): Promise<void> {
    const orderId = await this.#create(name, 'AUTOMATIC');
    const paymentId = await this.#pay(name, orderId);
    await this.#refresh(paymentId);
    await this.#confirm(paymentId);
    await this.#until(paymentId, 'SUCCEEDED');
    for (const amountMinor of [300, 200]) {
      await this.#keyed(
        `requestRefund ${name} ${amountMinor}`,
        `mutation($key: String!, $paymentId: ID!, $amountMinor: MinorUnits!) {
          answer: requestRefund(input: { idempotencyKey: $key, paymentId: $paymentId, amountMinor: $amountMinor }) {
            __typename ... on Refund { id } } }`,
        { paymentId, amountMinor },
      );
    }
  }

  /** An order that is authorized first and captured in part. */
  async hold(name: string): Promise<void> {
    const orderId = await this.#create(name, 'MANUAL');
    const paymentId = await this.#pay(name, orderId);
    await this.#confirm(paymentId);
    await this.#until(paymentId, 'AUTHORIZED');
    await this.#keyed(
      `capturePayment ${name}`,
      `mutation($key: String!, $paymentId: ID!) {
        answer: capturePayment(input: { idempotencyKey: $key, paymentId: $paymentId, amountMinor: 600 }) { __typename ... on Payment { id } } }`,
      { paymentId },
    );
  }

  /** An order that is canceled, then paid, then reviewed by an operator. */
  async cancel(name: string): Promise<void> {
    const orderId = await this.#create(name, 'AUTOMATIC');
    const paymentId = await this.#pay(name, orderId);
    await this.#ask('mutation($orderId: ID!) { cancelOrder(input: { orderId: $orderId }) { __typename } }', {
      orderId,
    });
    await this.#until(paymentId, 'CANCELED');
    const [intent] = this.#sandbox.ledger(paymentId).stripe.paymentIntents;
    if (intent === undefined) return; // canceled before the provider was called: nothing can be paid
    await this.#sandbox.control(`/control/stripe/payment_intents/${intent.id}/succeed`);
    await this.#until(paymentId, 'SUCCEEDED');
    await this.#ask(
      `mutation($orderId: ID!) { resolveReview(input: { orderId: $orderId, reasons: [LATE_PAYMENT], note: "In stock." }) {
        __typename } }`,
      { orderId },
    );
  }

  #create(name: string, captureMode: string): Promise<string> {
    return this.#keyed(
      `createOrder ${name}`,
      `mutation($key: String!, $captureMode: CaptureMode!) { answer: createOrder(input: { idempotencyKey: $key, currency: EUR,
        captureMode: $captureMode, lines: [{ name: "Cup", quantity: 1, unitAmountMinor: 1000 }] }) { __typename ... on Order { id } } }`,
      { captureMode },
    );
  }

  #pay(name: string, orderId: string): Promise<string> {
    return this.#keyed(
      `payOrder ${name}`,
      `mutation($key: String!, $orderId: ID!) { answer: payOrder(input: { idempotencyKey: $key, orderId: $orderId, method: CARD,
        flow: EMBEDDED }) { __typename ... on Payment { id } } }`,
      { orderId },
    );
  }

  /** The buyer's part: confirms the payment once, as soon as that is possible. */
  async #confirm(paymentId: string): Promise<void> {
    const { nextAction } = await this.#payment(paymentId, ({ status, nextAction }) =>
      status === 'ACTION_REQUIRED' ? nextAction !== null : status !== 'SUBMITTING' && status !== 'UNKNOWN',
    );
    if (nextAction !== null) await confirmCard(this.#sandbox, nextAction.clientSecret);
  }

  async #until(paymentId: string, wanted: string): Promise<void> {
    await this.#payment(paymentId, ({ status }) => status === wanted);
  }

  async #payment(paymentId: string, fits: (payment: PaymentAnswer) => boolean): Promise<PaymentAnswer> {
    for (;;) {
      const { payment } = await this.#ask<{ payment: PaymentAnswer }>(
        `query($id: ID!) { payment: node(id: $id) { ... on Payment { ${paymentFields} } } }`,
        { id: paymentId },
      );
      if (fits(payment)) return payment;
      await delay(pollMs, undefined, { signal: this.#signal });
    }
  }

  async #refresh(paymentId: string): Promise<void> {
    await this.#ask('mutation($id: ID!) { refreshPayment(paymentId: $id) { __typename } }', { id: paymentId });
  }

  /** Makes an idempotent call, repeats it until it is answered, and once more after the answer. */
  async #keyed(key: string, query: string, variables: Record<string, unknown>): Promise<string> {
    let given: string | null = null;
    for (const _once of ['asked', 'asked again']) {
      const { answer } = await this.#ask<{ answer: { __typename: string; id?: string } }>(query, { ...variables, key });
      if (answer.id === undefined) throw new RefusedError(`${key}: ${answer.__typename}`);
      if (given !== null && given !== answer.id) throw new RefusedError(`${key} is ${given}, and then ${answer.id}.`);
      given = answer.id;
    }
    if (given === null) throw new RefusedError(`${key} was not answered.`);
    this.answers.set(key, given);
    return given;
  }

  #ask<T>(query: string, variables: Record<string, unknown>): Promise<T> {
    return this.#server.ask<T>(query, variables, this.#signal);
  }
}

/** Confirms a payment as Stripe.js does. */
export async function confirmCard(sandbox: Sandbox, clientSecret: string): Promise<void> {
  await sandbox.request({
    method: 'POST',
    path: `/v1/payment_intents/${clientSecret.split('_secret_')[0]}/confirm`,
    headers: {
      authorization: `Bearer ${stripeKeys.publishableKey}`,
      'content-type': 'application/x-www-form-urlencoded',
    },
    body: new URLSearchParams({ client_secret: clientSecret, payment_method: 'pm_card_visa' }).toString(),
  });
}
