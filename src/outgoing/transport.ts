import { type LookupAddress, lookup as lookupByName } from 'node:dns';
import type { LookupFunction } from 'node:net';
import { Agent, errors, request as send } from 'undici';
import { withDeadline } from '../providers/deadline.ts';
import { type DestinationRules, destinationProblem, mayReach } from './destination.ts';

export type WebhookRequest = {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
};

export type WebhookAnswer = {
  readonly status: number;
  /** The beginning of the body, as text. */
  readonly body: string;
  /** The wait that the endpoint asks for; 0 for none. */
  readonly retryAfterMs: number;
};

/** Posts a message. @throws {NoWebhookAnswerError} when no answer came. */
export type SendWebhook = (request: WebhookRequest) => Promise<WebhookAnswer>;

/** No answer came. The message is a sentence for the merchant and names no address. */
export class NoWebhookAnswerError extends Error {}

/** The limit for connecting, sending and the complete answer. It is shorter than a lease. */
export const answerMsMax = 15_000;
const connectMsMax = 5000;
/** The stored part of an answer. The rest is not read. */
export const answerBytesMax = 4096;
const headerBytesMax = 16 * 1024;
/** One endpoint may have as many messages under way. */
export const connectionsPerEndpoint = 4;
const idleConnectionMs = 4000;

export type WebhookTransport = { readonly send: SendWebhook; close(): Promise<void> };

/** Looks a name up, like `dns.lookup` with `all`. */
export type Resolve = (
  hostname: string,
  options: { readonly family?: number; readonly hints?: number },
) => Promise<readonly LookupAddress[]>;

/**
 * Sends messages over HTTP. A name is resolved once for each connection, which goes to an address that was checked. Redirects are not
 * followed, and bodies and times are bounded.
 */
export function openWebhookTransport(
  rules: DestinationRules,
  { resolve = resolveByName, answerMs = answerMsMax }: { readonly resolve?: Resolve; readonly answerMs?: number } = {},
): WebhookTransport {
  const agent = new Agent({
    connections: connectionsPerEndpoint,
    keepAliveTimeout: idleConnectionMs,
    keepAliveMaxTimeout: idleConnectionMs,
    maxHeaderSize: headerBytesMax,
    headersTimeout: answerMsMax,
    bodyTimeout: answerMsMax,
    connect: { timeout: connectMsMax, lookup: checkedLookup(rules, resolve) },
  });
  return {
    async send({ url, headers, body }) {
      const problem = destinationProblem(url, rules); // an address in the URL itself is never looked up
      if (problem !== null) throw new NoWebhookAnswerError(`Nothing was sent: the URL ${problem}`);
      try {
        return await withDeadline(null, answerMs, (deadline) =>
          Promise.race([post(agent, { url, headers, body }, deadline), rejectedBy(deadline)]),
        );
      } catch (error) {
        throw new NoWebhookAnswerError(sentenceOf(error), { cause: error });
      }
    },
    // Not `destroy`: it ends all connections with one error, which `urllib`, a part of Alipay's SDK, lets be used for one connection alone.
    close: () => agent.close(),
  };
}

async function post(agent: Agent, { url, headers, body }: WebhookRequest, signal: AbortSignal): Promise<WebhookAnswer> {
  const {
    statusCode: status,
    headers: told,
    body: stream,
  } = await send(url, {
    ...{ method: 'POST', headers: { ...headers }, body, dispatcher: agent, signal },
  });
  stream.on('error', () => {}); // what is cut off is of no interest
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of stream) {
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes >= answerBytesMax) break; // ends the stream, and with it the connection
  }
  const text = Buffer.concat(chunks).subarray(0, answerBytesMax).toString('utf8');
  return { status, body: text.replaceAll('\0', '\ufffd'), retryAfterMs: retryAfterOf(told['retry-after']) };
}

/** undici notices an abort only after it is connected. */
function rejectedBy(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason), { once: true }));
}

/** Only seconds: the date form needs clocks that agree. */
function retryAfterOf(header: string | string[] | undefined): number {
  return typeof header === 'string' && /^\d{1,6}$/.test(header) ? Number(header) * 1000 : 0;
}

class ForbiddenAddressError extends Error {}

/** All addresses of the name must be allowed: a name that leads inside as well is not one of a public endpoint. */
function checkedLookup(rules: DestinationRules, resolve: Resolve): LookupFunction {
  return (hostname, options, callback) => {
    const family = typeof options.family === 'number' ? options.family : 0;
    resolve(hostname, { family, ...(options.hints !== undefined && { hints: options.hints }) }).then(
      (addresses) => {
        const [first] = addresses;
        if (first === undefined || !addresses.every(({ address }) => mayReach(address, rules))) {
          return callback(new ForbiddenAddressError(), '', 0);
        }
        if (options.all === true) return callback(null, [...addresses]);
        callback(null, first.address, first.family);
      },
      (error: NodeJS.ErrnoException) => callback(error, '', 0),
    );
  };
}

function resolveByName(
  hostname: string,
  options: { readonly family?: number; readonly hints?: number },
): Promise<readonly LookupAddress[]> {
  return new Promise((resolve, reject) => {
    lookupByName(hostname, { ...options, all: true }, (error, addresses) =>
      error === null ? resolve(addresses) : reject(error),
    );
  });
}

const sentences: readonly (readonly [RegExp, string])[] = [
  [/^(ENOTFOUND|EAI_AGAIN|EAI_)/, 'The host name could not be resolved.'],
  [/^ECONNREFUSED$/, 'The connection was refused.'],
  [/^(ECONNRESET|EPIPE|UND_ERR_SOCKET)$/, 'The connection ended before the answer.'],
  [/^(ENETUNREACH|EHOSTUNREACH)$/, 'The host could not be reached.'],
  [/^(UND_ERR_CONNECT_TIMEOUT|ETIMEDOUT)$/, `The host could not be reached within ${connectMsMax / 1000} s.`],
  [/^(UND_ERR_HEADERS_TIMEOUT|UND_ERR_BODY_TIMEOUT)$/, `There was no answer within ${answerMsMax / 1000} s.`],
  [
    /^(CERT_|ERR_TLS_CERT_|DEPTH_ZERO_SELF_SIGNED|SELF_SIGNED_CERT|UNABLE_TO_(GET|VERIFY)_)/,
    'The certificate is not valid.',
  ],
  [/^(ERR_SSL_|EPROTO)/, 'The TLS connection failed.'],
  [/^(HPE_|UND_ERR_HEADERS_OVERFLOW|UND_ERR_)/, 'The answer was not understood.'],
];

/** Says nothing of addresses: they may be inside the merchant's or our network. */
function sentenceOf(error: unknown): string {
  const errorsOf = (one: unknown): unknown[] => (one instanceof AggregateError ? [one, ...one.errors] : [one]);
  const all = errorsOf(error);
  if (all.some((one) => one instanceof ForbiddenAddressError)) {
    return 'Nothing was sent: the host name leads to an address that is not on the public internet.';
  }
  if (error instanceof Error && error.name === 'TimeoutError')
    return `There was no answer within ${answerMsMax / 1000} s.`;
  if (error instanceof errors.InvalidArgumentError) return 'The request could not be sent.';
  const codes = all.map((one) => (one instanceof Error && 'code' in one ? String(one.code) : ''));
  for (const [pattern, sentence] of sentences) if (codes.some((code) => pattern.test(code))) return sentence;
  return 'The request failed before an answer came.';
}
