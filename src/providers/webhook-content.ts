import { ZodError } from 'zod';
import { isId } from '../domain/ids.ts';
import type { WebhookMessage } from './provider.ts';

type Unclear = Extract<WebhookMessage, { kind: 'unclear' }>;
/** The ids in a callback. They are read one by one, because the rest of the callback may be malformed. */
export type NamedIds = Pick<Unclear, 'paymentId' | 'providerPaymentId'>;

/**
 * Reads a verified callback of ours. A malformed callback, or one with an unknown status, becomes a message of the kind
 * `unclear`, so that a person reviews the order. It must not be ignored.
 *
 * @param read returns the reason as text for an unknown status; throws for malformed content.
 * @throws when neither id can be read, because the order is then unknown.
 */
export function readWebhookContent(ids: NamedIds, read: () => WebhookMessage | string): WebhookMessage {
  try {
    const message = read();
    return typeof message === 'string' ? unclearMessage(ids, message) : message;
  } catch (error) {
    if (ids.paymentId === null && ids.providerPaymentId === null) throw error;
    return unclearMessage(ids, `a verified callback cannot be read: ${describeFault(error)}.`);
  }
}

function unclearMessage(ids: NamedIds, reason: string): Unclear {
  return { kind: 'unclear', ...ids, reason };
}

/** The reason for an unknown status. The status is shown only when it has the form of one. */
export function unknownStatus(what: string, status: string): string {
  return `a verified callback has a ${what} that is unknown: ${/^\w{1,64}$/.test(status) ? status : 'not a word'}.`;
}

/** Names the invalid fields. Values are left out, because they may contain buyer data. */
function describeFault(error: unknown): string {
  if (!(error instanceof ZodError))
    return error instanceof RangeError ? withoutFullStop(error.message) : 'it is malformed';
  const fields = error.issues.map(({ path }) => path.join('.') || 'the body');
  return `${[...new Set(fields)].slice(0, 5).join(', ')} malformed or missing`;
}

function withoutFullStop(sentence: string): string {
  return sentence.replace(/\.$/, '');
}

/** Our payment id, read from an unknown value. */
export function paymentIdIn(value: unknown): string | null {
  return typeof value === 'string' && isId('payment', value) ? value : null;
}

/** The provider's id, read from an unknown value. */
export function providerIdIn(value: unknown): string | null {
  return typeof value === 'string' && /^[\w.-]{1,64}$/.test(value) ? value : null;
}

/** A member of an unknown value; undefined when there is none. */
export function memberOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null
    ? Object.entries(value).find(([key]) => key === name)?.[1]
    : undefined;
}
