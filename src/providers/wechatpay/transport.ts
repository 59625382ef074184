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
 * Carries a request there and its answer back.
 * @throws {NotSentError} when nothing was written; {Error} with the name TimeoutError when the time is up.
 */
export type Send = (request: WechatpayRequest, signal: AbortSignal) => Promise<WechatpayReply>;

/** Over the network, by connections of its own. */
export function createSend(): Send {
  const agent = new Agent();
  return async (request, signal) => {
    const { status, headers, body } = await sendRequest(agent, request, signal);
    return { status, headers, body: body.toString('utf8') };
  };
}

/** True when nobody was there, or nobody spoke: then another host may be asked. */
export function isConnectionFailure(error: unknown): boolean {
  if (error instanceof NotSentError) return !error.isLasting;
  return error instanceof Error && error.name === 'TimeoutError';
}
