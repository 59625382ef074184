import { Agent } from 'undici';
import { type HttpRequest, NotSentError, sendRequest } from '../http-request.ts';

export type WechatpayRequest = HttpRequest;

export type WechatpayReply = {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
};

/**
 * Sends a request and returns the answer.
 *
 * @throws {NotSentError} when nothing was written; {Error} with the name TimeoutError when the time limit was reached.
 */
export type Send = (request: WechatpayRequest, signal: AbortSignal) => Promise<WechatpayReply>;

/** Sends over connections of its own. */
export function createSend(): Send {
  const agent = new Agent();
  return async (request, signal) => {
    const { status, headers, body } = await sendRequest(agent, request, signal);
    return { status, headers, body: body.toString('utf8') };
  };
}

/** True when the host did not accept the connection or did not answer in time. Another host may be tried. */
export function isConnectionFailure(error: unknown): boolean {
  if (error instanceof NotSentError) return !error.isLasting;
  return error instanceof Error && error.name === 'TimeoutError';
}
