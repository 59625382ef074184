import { isInfoLogged, type Log } from '../domain/log.ts';
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

/** What an adapter asks its provider: every method that answers later. Another one does not compile before it is described below. */
type Operation = {
  [K in keyof PaymentProvider]: PaymentProvider[K] extends (...args: never[]) => Promise<unknown> ? K : never;
}[keyof PaymentProvider];

type Description<K extends Operation> = {
  /** What the call is about. Nothing of the buyer, no address, nothing secret. */
  readonly about: (...args: Parameters<PaymentProvider[K]>) => object;
  /** What the provider says, in a word or two; null when it was not asked after all, which leaves no line. */
  readonly says: (answer: Awaited<ReturnType<PaymentProvider[K]>>) => object | null;
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
  startPayment: { about: ofPayment, says: ({ status }) => answered(status) },
  queryPayment: { about: ofPayment, says: asked },
  closePayment: { about: ofPayment, says: asked },
  capturePayment: {
    about: (order, { attempt }) => ({ ...ofPayment(order), attempt }),
    says: ({ status }) => answered(status),
  },
  startRefund: { about: ofRefund, says: ({ status }) => answered(status) },
  queryRefund: { about: ofRefund, says: asked },
  listRefunds: { about: ofPayment, says: ({ refunds }) => ({ outcome: 'answered', refunds: refunds.length }) },
  renewKeys: { about: () => ({}), says: ({ outcome }) => (outcome === 'not_asked' ? null : { outcome }) },
  readBill: { about: (date) => ({ date }), says: ({ linesExpected }) => ({ outcome: 'answered', linesExpected }) },
};

/** A provider that does the same as the given one and leaves one line at `info` for each call. */
export function loggedProvider(provider: PaymentProvider, log: Log): PaymentProvider {
  if (!isInfoLogged(log)) return provider;
  const { name, account } = provider;

  function logged<K extends Operation>(operation: K): PaymentProvider[K] {
    const { about, says } = operations[operation];
    // Which of the methods it is, TypeScript cannot follow; the table above pairs each with its own arguments.
    const ask = provider[operation] as (
      ...args: Parameters<PaymentProvider[K]>
    ) => Promise<Awaited<ReturnType<PaymentProvider[K]>>>;
    const call = async (...args: Parameters<PaymentProvider[K]>) => {
      const startedAt = performance.now();
      const tell = (said: object | null) => {
        if (said === null) return;
        const durationMs = Math.round(performance.now() - startedAt);
        log.info({ provider: name, account, operation, ...about(...args), durationMs, ...said }, 'provider called');
      };
      const answer = await ask(...args).catch((error: unknown) => {
        tell(outcomeOf(error));
        throw error;
      });
      tell(says(answer));
      return answer;
    };
    return call as PaymentProvider[K];
  }

  const names = Object.keys(operations) as Operation[];
  const calls = Object.fromEntries(names.map((operation) => [operation, logged(operation)]));
  return { ...provider, ...(calls as Pick<PaymentProvider, Operation>) };
}

/** The provider's own words stay out: the command that called logs the error. */
function outcomeOf(error: unknown): object {
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
