import { isInfoLogged, type Log } from '../domain/log.ts';
import { isObserved, observed } from '../telemetry/observe.ts';
import { BillNotAvailableError } from './bill.ts';
import {
  MisconfiguredError,
  NotExecutedError,
  OutcomeUnknownError,
  type PaymentOrder,
  type PaymentProvider,
  type QueryAnswer,
  type RefundAnswer,
  RejectedError,
} from './provider.ts';

/**
 * The methods of an adapter that call the provider: all asynchronous ones. A new method does not compile until it is
 * described below.
 */
type Operation = {
  [K in keyof PaymentProvider]-?: PaymentProvider[K] extends (...args: never[]) => Promise<unknown> ? K : never;
}[keyof PaymentProvider];

type Description<K extends Operation> = {
  /** The logged fields of the arguments. They contain no buyer data, no address and no secret. */
  readonly subject: (...args: Parameters<PaymentProvider[K]>) => object;
  /** The logged fields of the answer; null when no request was made, which writes no line. */
  readonly result: (answer: Awaited<ReturnType<PaymentProvider[K]>>) => object | null;
};

const ofPayment = ({ paymentId, orderNumber, flow }: PaymentOrder) => ({ paymentId, orderNumber, flow });
const ofRefund = ({ paymentId, refundId }: { readonly paymentId: string; readonly refundId: string | null }) => ({
  paymentId,
  refundId,
});
const answered = (status: string) => ({ outcome: 'answered', status });
const asked = (answer: QueryAnswer | RefundAnswer) =>
  answer.kind === 'report' ? answered(answer.report.status) : { outcome: 'not_found' };

const operations: { readonly [K in Operation]: Description<K> } = {
  startPayment: { subject: ofPayment, result: ({ status }) => answered(status) },
  queryPayment: { subject: ofPayment, result: asked },
  closePayment: { subject: ofPayment, result: asked },
  capturePayment: {
    subject: (order, { attempt }) => ({ ...ofPayment(order), attempt }),
    result: ({ status }) => answered(status),
  },
  startRefund: { subject: ofRefund, result: ({ status }) => answered(status) },
  queryRefund: { subject: ofRefund, result: asked },
  listRefunds: { subject: ofPayment, result: ({ refunds }) => ({ outcome: 'answered', refunds: refunds.length }) },
  renewKeys: { subject: () => ({}), result: ({ outcome }) => (outcome === 'not_asked' ? null : { outcome }) },
  readBill: { subject: (date) => ({ date }), result: ({ linesExpected }) => ({ outcome: 'answered', linesExpected }) },
};

/** What a logged provider was made of, to make another one with the log of a request. */
const originals = new WeakMap<
  PaymentProvider,
  { readonly provider: PaymentProvider; readonly began: () => () => void }
>();

/** The same provider, whose calls write their lines to this log. A provider that is not logged is returned as it is. */
export function loggingTo(provider: PaymentProvider, log: Log): PaymentProvider {
  const original = isInfoLogged(log) ? originals.get(provider) : undefined;
  return original === undefined ? provider : loggedProvider(original.provider, log, original.began);
}

/**
 * Wraps a provider so that each call writes one line at `info`, and is observed.
 *
 * @param began called at the start of each call. The function that it returns is called at the end.
 */
export function loggedProvider(
  provider: PaymentProvider,
  log: Log,
  began: () => () => void = () => () => {},
): PaymentProvider {
  const { name, account } = provider;

  function logged<K extends Operation>(operation: K): PaymentProvider[K] {
    const { subject, result } = operations[operation];
    // TypeScript cannot relate the method to its arguments here. The table above pairs them.
    const ask = provider[operation] as (
      ...args: Parameters<PaymentProvider[K]>
    ) => Promise<Awaited<ReturnType<PaymentProvider[K]>>>;
    const observedCall = async (...args: Parameters<PaymentProvider[K]>) => {
      if (!isObserved()) return call(...args);
      const piece = { kind: 'provider call', name: `${name} ${operation}` } as const;
      const named = { labels: { provider: name, call: operation }, attributes: idsOf(subject(...args)) };
      return observed({ ...piece, ...named }, async (watch) => {
        try {
          const answer = await call(...args);
          watch.end(result(answer) === null ? 'not_asked' : 'answered');
          return answer;
        } catch (error) {
          watch.end(outcomeOf(error).outcome);
          throw error;
        }
      });
    };
    const call = async (...args: Parameters<PaymentProvider[K]>) => {
      const startedAt = performance.now();
      const ended = began();
      const logCall = (fields: object | null) => {
        ended();
        if (fields === null || !isInfoLogged(log)) return;
        const durationMs = Math.round(performance.now() - startedAt);
        log.info({ provider: name, account, operation, ...subject(...args), durationMs, ...fields }, 'provider called');
      };
      const answer = await ask(...args).catch((error: unknown) => {
        logCall(outcomeOf(error));
        throw error;
      });
      logCall(result(answer));
      return answer;
    };
    return observedCall as PaymentProvider[K];
  }

  const names = Object.keys(operations) as Operation[];
  const calls = Object.fromEntries(names.map((operation) => [operation, logged(operation)]));
  const wrapped = { ...provider, ...(calls as Pick<PaymentProvider, Operation>) };
  originals.set(wrapped, { provider, began });
  return wrapped;
}

/** The provider's own text is left out. The caller logs the error. */
function outcomeOf(error: unknown): { readonly outcome: string } & Readonly<Record<string, unknown>> {
  if (error instanceof RejectedError) {
    const { reason, providerCode } = error.failure;
    return { outcome: 'rejected', reason, providerCode };
  }
  if (error instanceof MisconfiguredError) return { outcome: 'misconfigured' };
  if (error instanceof NotExecutedError) return { outcome: 'not_executed', retryAfterMs: error.retryAfterMs };
  if (error instanceof OutcomeUnknownError) return { outcome: 'unknown' };
  if (error instanceof BillNotAvailableError) return { outcome: 'not_available' };
  return { outcome: 'failed' };
}

/** The ids among the fields of a subject. */
function idsOf(subject: object): Readonly<Record<string, string>> {
  const entries: [string, unknown][] = Object.entries(subject);
  return Object.fromEntries(
    entries.flatMap(([name, value]) =>
      /^(payment|refund)Id$/.test(name) && typeof value === 'string' ? [[name, value]] : [],
    ),
  );
}
