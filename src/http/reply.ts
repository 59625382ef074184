import type { Answer } from './answer.ts';
import { isBodyLeft } from './body.ts';
import { httpLimits } from './limits.ts';
import { type RefusalCode, type RequestRefusedError, retryAfterMs } from './refusal.ts';

/**
 * Answers with JSON and closes the connection, as the sender may be an attacker. Node accepts one connection in each turn of its loop and serves
 * all open ones in it: strangers who kept thousands of connections would keep a provider waiting before its connection is even accepted.
 */
export function replyJsonAndClose(response: Answer, status: number, body: object): void {
  response.setHeader('connection', 'close');
  replyJson(response, status, body);
}

/** Answers with JSON and ends the response. */
export function replyJson(response: Answer, status: number, body: object): void {
  reply(response, status, 'application/json; charset=utf-8', JSON.stringify(body));
}

export function reply(response: Answer, status: number, contentType: string, body: string): void {
  if (!isBodyLeft(response.req)) return response.sendText(status, contentType, body);
  const headers = { 'content-type': contentType, 'content-length': Buffer.byteLength(body) };
  // No other request can follow an unread body on the same connection.
  response.setHeader('connection', 'close');
  response.writeHead(status, headers).write(body);
  endAfterBody(response);
}

/**
 * Ends the response when the body has been read, or after `lingerMs`. Closing a connection on which bytes still arrive resets it, and the
 * sender would never see the answer.
 */
function endAfterBody(response: Answer): void {
  const { req: request } = response;
  const end = () => {
    clearTimeout(timer);
    response.end();
  };
  const timer = setTimeout(end, httpLimits.lingerMs);
  request.once('end', end);
  request.once('close', end);
  request.resume();
}

/** Answers a refused request: on `/graphql` with an entry of `errors`, elsewhere with `error`. */
export function replyRefusal(
  response: Answer,
  { status, message, headers, code }: Pick<RequestRefusedError, 'status' | 'message' | 'headers' | 'code'>,
): void {
  const requestId = status >= 500 ? { requestId: response.requestId } : {};
  for (const [name, value] of Object.entries(headers)) response.replaceHeader(name, value);
  if (!isGraphqlTarget(response.req.url)) return replyJson(response, status, { error: message, ...requestId });
  // A refusal tells nothing. Without this header, a page of another origin sees a network error instead of the message.
  response.replaceHeader('access-control-allow-origin', '*');
  const accept = response.req.headers.accept ?? '';
  const type = /graphql-response\+json/i.test(accept) ? 'application/graphql-response+json' : 'application/json';
  reply(response, status, `${type}; charset=utf-8`, JSON.stringify(graphqlRefusal(message, code, requestId)));
}

export function graphqlRefusal(message: string, code: RefusalCode, more: object = {}): object {
  const extensions = { code, ...(code === 'OVERLOADED' && { retryAfterMs }), ...more };
  return { errors: [{ message, extensions }] };
}

function isGraphqlTarget(url = ''): boolean {
  return /^(https?:\/\/[^/]*)?\/graphql([/?]|$)/i.test(url);
}
