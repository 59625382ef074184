import { z } from 'zod';
import { withDeadline } from '../deadline.ts';

export type WechatpayRequest = {
  readonly method: 'GET' | 'POST';
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Empty for a GET. */
  readonly body: string;
  /** Until the whole answer is there. */
  readonly timeoutMs: number;
};

export type WechatpayReply = {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
};

/** Carries a request there and its answer back. @throws {Error} with the name TimeoutError when the time is up. */
export type Send = (request: WechatpayRequest, signal: AbortSignal) => Promise<WechatpayReply>;

const answerBytesMax = 1024 * 1024;

/** Over the network, by Node's own client. A redirect is never followed: it could lead a signed request anywhere. */
export const sendByFetch: Send = ({ method, url, headers, body, timeoutMs }, signal) =>
  withDeadline(signal, timeoutMs, async (deadline) => {
    const sent = { method, headers, ...(method === 'POST' && { body }) };
    const response = await fetch(url, { ...sent, redirect: 'error', signal: deadline });
    return { status: response.status, headers: Object.fromEntries(response.headers), body: await textOf(response) };
  });

/** As it came, a byte order mark included: the signature is over all of it. */
async function textOf({ body }: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of body ?? []) {
    bytes += chunk.length;
    if (bytes > answerBytesMax) throw new RangeError(`An answer has more than ${answerBytesMax} bytes.`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

const causeSchema = z.object({ code: z.string() });
const connectionFailures: ReadonlySet<string> = new Set([
  ...['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH', 'ETIMEDOUT'],
  'UND_ERR_CONNECT_TIMEOUT',
]);

/** True when nobody was there, or nobody spoke: a time-out does not tell whether there was a connection at all. */
export function isConnectionFailure(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const cause = causeSchema.safeParse(error.cause).data;
  return error.name === 'TimeoutError' || (cause !== undefined && connectionFailures.has(cause.code));
}
