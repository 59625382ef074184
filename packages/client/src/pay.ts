import type { PaidOrderCopyFragment, PaymentFlow, PaymentMethod } from '../generated/graphql.ts';
import { PayDocument } from '../generated/graphql.ts';
import { type Attempt, type AttemptInput, type Intent, keyOf, step } from './attempt.ts';
import { type Pause, pauseMs } from './backoff.ts';
import { isPassing, networkError, PaystreamError } from './errors.ts';
import { type PayResult, resultOf } from './pay-result.ts';
import type { Request } from './request.ts';
import type { PaystreamStorage } from './storage.ts';

export type PayInput = {
  readonly orderId: string;
  /** A method that `paymentMethods` lists for the order. */
  readonly method: PaymentMethod;
  /** Default: the first flow of the method. */
  readonly flow?: PaymentFlow | null;
  /** Where the provider sends the buyer afterwards. Keep it the same when you repeat a call: another one is another intent. */
  readonly returnUrl?: string | null;
  readonly openId?: string | null;
  readonly buyerIp?: string | null;
};

export type PayOptions = {
  /** Ends the waiting, not the payment: it rejects with the reason of the signal, and another call goes on with the attempt. */
  readonly signal?: AbortSignal;
  /** How long the call is repeated while no answer comes, in milliseconds. Default: 20,000. */
  readonly patienceMs?: number;
};

export type Payer = {
  pay(input: PayInput, options?: PayOptions): Promise<PayResult>;
  /** Takes notice of an event of an order. */
  hear(event: HeardEvent): Promise<void>;
};

export type HeardEvent = {
  readonly orderId: string;
  readonly paymentId: string | null;
  readonly paymentStatus: PaidOrderCopyFragment['status'] | null;
};

export type PayParts = {
  readonly request: Request;
  readonly storage: PaystreamStorage;
  readonly pause: Pause;
};

const patienceMsDefault = 20_000;

export function createPayer({ request, storage, pause }: PayParts): Payer {
  const turns = new Map<string, Promise<unknown>>();

  /** Changes the attempts of one order of this page one after the other. Other pages need not wait: see attempt.ts. */
  function inTurn<T>(orderId: string, act: () => Promise<T>): Promise<T> {
    const mine = (turns.get(orderId) ?? Promise.resolve()).then(act, act);
    turns.set(orderId, mine);
    const leave = () => {
      if (turns.get(orderId) === mine) turns.delete(orderId);
    };
    mine.then(leave, leave);
    return mine;
  }

  /** Returns the key of the call. It is stored before the first call carries it. */
  const begin = (intent: Intent): Promise<string> =>
    inTurn(intent.orderId, async () => {
      const attempt = await load(storage, intent.orderId);
      const { current, after } = attempt;
      const isSame = current === null || current.key === keyOf(intent, after);
      const key = keyOf(intent, isSame ? after : (current.paymentId ?? after));
      const next = step(attempt, isSame ? 'call' : 'callOther', { key, paymentId: null });
      if (next !== attempt) await save(storage, intent.orderId, next);
      return key;
    });

  /** Applies what became known of the attempt, unless another one has taken its place. */
  const learn = (
    orderId: string,
    input: AttemptInput,
    isAbout: (current: NonNullable<Attempt['current']>) => boolean,
    paymentId: string | null,
  ): Promise<void> =>
    inTurn(orderId, async () => {
      const attempt = await load(storage, orderId);
      const { current } = attempt;
      if (current === null || !isAbout(current)) return;
      const next = step(attempt, input, { key: current.key, paymentId });
      if (next !== attempt) await save(storage, orderId, next);
    });

  async function pay(input: PayInput, { signal, patienceMs = patienceMsDefault }: PayOptions = {}): Promise<PayResult> {
    const intent = intentOf(input);
    const key = await begin(intent);
    const endsAt = performance.now() + patienceMs;
    for (let tries = 1; ; tries += 1) {
      signal?.throwIfAborted();
      const answer = await send(request, intent, key, signal);
      const { result, input: learnt, paymentId } = answer;
      await learn(intent.orderId, learnt, (current) => current.key === key, paymentId);
      if (!isWorthWaiting(result)) return result;
      const askedMs = 'retryAfterMs' in result ? result.retryAfterMs : null;
      const waitMs = pauseMs(tries, Math.random(), { atLeastMs: askedMs ?? 0 });
      if (performance.now() + waitMs >= endsAt) return result;
      await pause(waitMs, signal);
    }
  }

  return {
    pay,
    async hear({ orderId, paymentId, paymentStatus }) {
      const input = paymentStatus === null ? null : heardAs(paymentStatus);
      if (paymentId === null || input === null) return;
      await learn(orderId, input, (current) => current.paymentId === paymentId, paymentId);
    },
  };
}

/** True when the same call says more in a moment: no answer came, or another call, such as that of another tab, is just being carried out. */
function isWorthWaiting(result: PayResult): boolean {
  if (result.kind === 'processing') return result.payment.status === 'SUBMITTING';
  return result.kind === 'unknown' || result.kind === 'unavailable';
}

function intentOf({ orderId, method, flow, returnUrl, openId, buyerIp }: PayInput): Intent {
  return {
    ...{ orderId, method, flow: flow ?? null },
    ...{ returnUrl: returnUrl ?? null, openId: openId ?? null, buyerIp: buyerIp ?? null },
  };
}

type Answer = { readonly result: PayResult; readonly input: AttemptInput; readonly paymentId: string | null };

/** A call without an answer is repeated: `request` abandons it after a while. */
async function send(request: Request, intent: Intent, key: string, signal?: AbortSignal): Promise<Answer> {
  try {
    const variables = { input: { ...(intent as PayInput), idempotencyKey: key } };
    const { payOrder } = await request(PayDocument, variables, signal && { signal });
    if (payOrder === null) throw new PaystreamError('INTERNAL', 'The server answered without a result.');
    return answerOf(resultOf(payOrder));
  } catch (error) {
    if (signal?.aborted) throw signal.reason;
    const known = error instanceof PaystreamError ? error : networkError(error);
    if (!isPassing(known)) throw known;
    return answerOf({ kind: 'unknown', error: known, retryAfterMs: known.retryAfterMs });
  }
}

/** What a result means for the attempt. No `default`: a new kind of result has to be decided here. */
function answerOf(result: PayResult): Answer {
  switch (result.kind) {
    case 'actionRequired':
    case 'processing':
      return { result, input: 'answeredOpen', paymentId: result.payment.id };
    case 'paid':
    case 'authorized':
      return { result, input: 'answeredPaid', paymentId: result.payment.id };
    case 'failed':
      return { result, input: 'answeredOver', paymentId: result.payment.id };
    case 'inProgress':
    case 'notPayable':
    case 'methodNotAvailable':
    case 'invalid':
    case 'limited':
    case 'refused':
      return { result, input: 'refused', paymentId: null };
    case 'unavailable':
    case 'unknown':
      return { result, input: 'lost', paymentId: null };
  }
}

function heardAs(status: PaidOrderCopyFragment['status']): 'heardPaid' | 'heardOver' | null {
  switch (status) {
    case 'SUCCEEDED':
    case 'AUTHORIZED':
      return 'heardPaid';
    case 'FAILED':
    case 'CANCELED':
    case 'EXPIRED':
      return 'heardOver';
    case 'SUBMITTING':
    case 'ACTION_REQUIRED':
    case 'PROCESSING':
    case 'UNKNOWN':
    case 'CANCELING':
      return null;
  }
}

const nameOf = (orderId: string): string => `paystream.attempt.${orderId}`;

async function load(storage: PaystreamStorage, orderId: string): Promise<Attempt> {
  return attemptIn(await storage.getItem(nameOf(orderId)));
}

/** An attempt that cannot be read counts as none: its key can be computed again. */
function attemptIn(text: string | null): Attempt {
  const none: Attempt = { after: null, current: null };
  if (text === null) return none;
  try {
    const { after, key, paymentId } = JSON.parse(text) as Record<string, unknown>;
    const textOrNull = (value: unknown) => (typeof value === 'string' ? value : null);
    const current = typeof key === 'string' ? { key, paymentId: textOrNull(paymentId) } : null;
    return { after: textOrNull(after), current };
  } catch {
    return none;
  }
}

async function save(storage: PaystreamStorage, orderId: string, { after, current }: Attempt): Promise<void> {
  if (after === null && current === null) await storage.removeItem(nameOf(orderId));
  else await storage.setItem(nameOf(orderId), JSON.stringify({ after, ...current }));
}
