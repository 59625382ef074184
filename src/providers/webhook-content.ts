import { ZodError } from 'zod';
import { isId } from '../domain/ids.ts';
import type { WebhookMessage } from './provider.ts';

type Unclear = Extract<WebhookMessage, { kind: 'unclear' }>;
/** The ids that a callback names, read one by one because the rest may be malformed. */
export type NamedIds = Pick<Unclear, 'paymentId' | 'providerPaymentId'>;

/**
 * Reads a verified callback that is ours. What cannot be read, or has a status that we do not know, is unclear instead of ignored: the
 * order that it names needs a person.
 *
 * @param read returns null, or a text that says why, for a status that we do not know; throws for what is malformed.
 * @throws when neither id can be read: then nobody knows which order it is about.
 */
export function readWebhookContent(ids: NamedIds, read: () => WebhookMessage | string): WebhookMessage {
  try {
    const message = read();
    return typeof message === 'string' ? unclear(ids, message) : message;
  } catch (error) {
    if (ids.paymentId === null && ids.providerPaymentId === null) throw error;
    return unclear(ids, `a verified callback cannot be read: ${faultIn(error)}.`);
  }
}

function unclear(ids: NamedIds, reason: string): Unclear {
  return { kind: 'unclear', ...ids, reason };
}

/** For a status nobody knows. It is shown only where it has the form of one. */
export function unknownStatus(what: string, status: string): string {
  return `a verified callback has a ${what} that is unknown: ${/^\w{1,64}$/.test(status) ? status : 'not a word'}.`;
}

/** Which fields are wrong. Values are left out, because they may say something of the buyer. */
function faultIn(error: unknown): string {
  if (!(error instanceof ZodError)) return error instanceof RangeError ? withoutDot(error.message) : 'it is malformed';
  const fields = error.issues.map(({ path }) => path.join('.') || 'the body');
  return `${[...new Set(fields)].slice(0, 5).join(', ')} malformed or missing`;
}

function withoutDot(sentence: string): string {
  return sentence.replace(/\.$/, '');
}

/** The payment id of ours in a value that may be anything. */
export function paymentIdIn(value: unknown): string | null {
  return typeof value === 'string' && isId('payment', value) ? value : null;
}

/** The provider's id in a value that may be anything. */
export function providerIdIn(value: unknown): string | null {
  return typeof value === 'string' && /^[\w.-]{1,64}$/.test(value) ? value : null;
}

/** A member of what may be anything; undefined where there is none. */
export function memberOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null
    ? Object.entries(value).find(([key]) => key === name)?.[1]
    : undefined;
}
