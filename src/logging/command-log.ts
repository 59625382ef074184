import { OverloadedError } from '../database/errors.ts';
import { DomainError } from '../domain/errors.ts';
import type { OrderEvent } from '../domain/event.ts';
import { idKindOf } from '../domain/ids.ts';
import { isInfoLogged, type Log } from '../domain/log.ts';
import { isObserved, observed } from '../telemetry/observe.ts';

/**
 * Carries out a command and leaves one line about it at `info`: its name, what it was about, how long it took, and what came of it. That is
 * `done`, the code of a refusal, or `failed`: then the caller logs the error.
 */
export async function logCommand<T>(log: Log, command: string, names: object, work: () => Promise<T>): Promise<T> {
  if (!isObserved()) return logOutcome(log, command, names, work);
  return observed({ kind: 'command', name: command, attributes: idsIn(names) }, async (watch) => {
    try {
      const result = await logOutcome(log, command, names, work);
      if (isRefusal(result)) watch.end(result.code);
      return result;
    } catch (error) {
      watch.end(codeOf(error) ?? 'failed');
      throw error;
    }
  });
}

async function logOutcome<T>(log: Log, command: string, names: object, work: () => Promise<T>): Promise<T> {
  if (!isInfoLogged(log)) return work();
  const startedAt = performance.now();
  const tell = (outcome: string, found: object, message: string) => {
    const durationMs = Math.round(performance.now() - startedAt);
    log.info({ command, ...names, ...found, durationMs, outcome }, message);
  };
  const tellError = (error: unknown) => {
    const code = codeOf(error);
    if (code === null) tell('failed', {}, 'command failed');
    else tell(code, idsIn(error), 'command refused');
  };
  const result = await work().catch((error: unknown) => {
    tellError(error);
    throw error;
  });
  if (isRefusal(result)) tellError(result);
  else tell('done', resultIn(result), 'command done');
  return result;
}

/** Our ids among the fields of an input, a row or an error, each under its own name: `{ orderId, paymentId, refundId }`. */
export function idsIn(value: unknown): Record<string, string> {
  if (typeof value !== 'object' || value === null) return {};
  const names: Record<string, string> = {};
  for (const field of ['id', 'orderId', 'paymentId', 'refundId', 'merchantId']) {
    const id: unknown = (value as Readonly<Record<string, unknown>>)[field]; // of whatever shape
    const kind = typeof id === 'string' ? idKindOf(id) : null;
    if (kind !== null) names[`${kind}Id`] = id as string;
  }
  return names;
}

/** Of what a command answers, the status that it came to. */
function resultIn(result: unknown): object {
  if (typeof result === 'string') return idKindOf(result) === null ? { answer: result } : idsIn({ id: result });
  if (typeof result !== 'object' || result === null) return {};
  const { status, kind, action } = result as Readonly<Record<string, unknown>>; // of whatever shape
  return {
    ...idsIn(result),
    ...(typeof status === 'string' && { status }),
    ...(typeof kind === 'string' && { answer: kind }),
    ...(typeof action === 'string' && { action }),
  };
}

/** At the API a refusal is a result. The schema builder hands it on behind a proxy, which shows everything but its prototype. */
function isRefusal(result: unknown): result is DomainError {
  return typeof result === 'object' && result !== null && result.constructor?.prototype instanceof DomainError;
}

/** The code by which clients know the error; null for what is none of their business. */
function codeOf(error: unknown): string | null {
  if (isRefusal(error)) return error.code;
  if (error instanceof OverloadedError) return 'OVERLOADED';
  if (!(error instanceof Error)) return null;
  const { extensions } = error as { readonly extensions?: { readonly code?: unknown } }; // a GraphQL error has it
  return typeof extensions?.code === 'string' ? extensions.code : null;
}

/** One line at `info` for each change of an order, once it is committed: the same as the event, for people who have nothing but the logs. */
export function logEvents(log: Log, orderId: string, events: readonly OrderEvent[]): void {
  if (events.length === 0 || !isInfoLogged(log)) return;
  for (const event of events) {
    const { type, sequence, orderStatus, orderPaymentStatus, paymentId, paymentStatus, refundId, refundStatus } = event;
    const { amountMinor, currency } = event;
    log.info(
      {
        ...{ event: type, orderId, sequence, orderStatus, orderPaymentStatus },
        ...(paymentId !== null && { paymentId, paymentStatus }),
        ...(refundId !== null && { refundId, refundStatus }),
        ...(amountMinor !== null && { amountMinor: Number(amountMinor), currency }),
      },
      type.toLowerCase().replaceAll('_', ' '),
    );
  }
}
