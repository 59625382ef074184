import type { Applied, RequestFault } from '../faults.ts';
import { type HttpRequest, type HttpResponse, type HttpResult, headerOf, jsonResponse } from '../http.ts';
import { decodeSegment, matchPath } from '../path-pattern.ts';
import { executeLater, withResponseFault } from '../response-faults.ts';
import { accountEndpoints } from './account.ts';
import { checkoutEndpoints } from './checkout-endpoints.ts';
import type { Call, Endpoint, KeyKind } from './endpoints.ts';
import { errorBody, StripeRefusal } from './errors.ts';
import { type FormHash, parseForm } from './form.ts';
import { type IdempotencyKeys, type KeyedRequest, keyedRequest, type StoredResponse } from './idempotency.ts';
import { apiVersion } from './objects.ts';
import { intentEndpoints } from './payment-endpoints.ts';
import { chargeEndpoints, refundEndpoints } from './refund-endpoints.ts';
import { balanceEndpoints, eventEndpoints } from './report-endpoints.ts';
import type { Cause, StripeState } from './state.ts';

export type ApiKeys = { readonly secretKey: string; readonly publishableKey: string };

const endpoints: readonly Endpoint[] = [
  ...intentEndpoints,
  ...checkoutEndpoints,
  ...refundEndpoints,
  ...chargeEndpoints,
  ...eventEndpoints,
  ...balanceEndpoints,
  ...accountEndpoints,
];

/** Serves one request under /v1 and applies the fault rules. Never rejects. */
export async function serveStripeApi(
  stripe: StripeState,
  keys: ApiKeys,
  idempotency: IdempotencyKeys,
  request: HttpRequest,
): Promise<HttpResult> {
  const requestId = stripe.newId('req_', 14);
  const result = await respond(stripe, keys, idempotency, request, requestId);
  return typeof result === 'string' ? result : withStripeHeaders(result, request, requestId);
}

async function respond(
  stripe: StripeState,
  keys: ApiKeys,
  idempotency: IdempotencyKeys,
  request: HttpRequest,
  requestId: string,
): Promise<HttpResult> {
  try {
    if (request.method === 'OPTIONS') return preflight;
    const key = authenticate(request, keys);
    checkVersion(request);
    const { endpoint, id } = route(request);
    if (key === 'publishable' && !endpoint.publishable) throw secretKeyRequired();
    const text = request.method === 'GET' ? request.query : request.body;
    const rule = stripe.faults.takeRequest({
      method: request.method,
      path: request.path,
      operation: endpoint.operation,
      text: `${request.query}\n${request.body}`,
    });
    if (rule?.fault === 'reset_before') return 'reset';
    if (rule?.fault === 'timeout_before') return 'unanswered';
    refuseBefore(rule?.fault);
    checkContentType(request);
    const form = parseForm(text);
    const idempotencyKey = request.method === 'POST' ? (headerOf(request, 'idempotency-key') ?? null) : null;
    const keyed = idempotencyKey === null ? null : keyedRequest(idempotencyKey, request.path, form);
    const cause: Cause = { requestId, idempotencyKey };
    const call = { endpoint, id, key, form, keyed, storedFault: rule?.fault === 'error_500_after' };
    return await perform({ ...stripe, cause }, idempotency, call, rule);
  } catch (error) {
    return errorResponse(error);
  }
}

type RoutedCall = {
  readonly endpoint: Endpoint;
  readonly id: string;
  readonly key: KeyKind;
  readonly form: FormHash;
  readonly keyed: KeyedRequest | null;
  readonly storedFault: boolean;
};

/** Replays the response stored under the key; else executes the call, now or after the fault's delay. The key is in use meanwhile. */
async function perform(
  stripe: StripeState,
  idempotency: IdempotencyKeys,
  routed: RoutedCall,
  rule: Applied<RequestFault> | null,
): Promise<HttpResult> {
  const { keyed } = routed;
  const stored = keyed && idempotency.claim(keyed);
  if (stored) return withResponseFault(stripe, storedResponse(stored, { 'Idempotent-Replayed': 'true' }), rule);
  const executeAndRelease = (): HttpResponse => {
    try {
      return storedResponse(execute(stripe, idempotency, routed));
    } finally {
      if (keyed) idempotency.release(keyed);
    }
  };
  if (rule?.fault !== 'delay') return withResponseFault(stripe, executeAndRelease(), rule);
  return executeLater(stripe, rule.ms ?? 0, () => {
    try {
      return executeAndRelease();
    } catch (error) {
      return errorResponse(error);
    }
  });
}

/** Invalid parameters are refused and not stored under the key. Every later result is stored, refusals included. */
function execute(stripe: StripeState, idempotency: IdempotencyKeys, routed: RoutedCall): StoredResponse {
  const { endpoint, keyed } = routed;
  const call = endpoint.read(routed.form, { id: routed.id, key: routed.key, nowSeconds: stripe.clock.wireSeconds() });
  const store = (response: StoredResponse): StoredResponse => {
    if (keyed) idempotency.store(keyed, response);
    return response;
  };
  try {
    return stripe.ledger.transact(() => store(routed.storedFault ? runAndFail(stripe, call) : run(stripe, call)));
  } catch (error) {
    if (!(error instanceof StripeRefusal)) throw error;
    return stripe.ledger.transact(() => store({ status: error.status, body: pretty(errorBody(error.error)) }));
  }
}

function run(stripe: StripeState, call: Call): StoredResponse {
  const { status, body } = call(stripe);
  return { status, body: pretty(body) };
}

function runAndFail(stripe: StripeState, call: Call): StoredResponse {
  call(stripe);
  return { status: 500, body: pretty(errorBody(internalError)) };
}

function refuseBefore(fault: RequestFault | undefined): void {
  switch (fault) {
    case 'rate_limit':
      throw new StripeRefusal(429, {
        type: 'invalid_request_error',
        code: 'rate_limit',
        message: 'Request rate limit exceeded.',
      });
    case 'lock_timeout':
      throw new StripeRefusal(409, {
        type: 'invalid_request_error',
        code: 'lock_timeout',
        message: 'This object cannot be accessed right now because another API request is accessing it.',
      });
    case 'refuse':
      throw new StripeRefusal(400, {
        type: 'invalid_request_error',
        code: 'resource_not_allowed',
        message: 'This is not possible for this object.',
      });
    case 'error_500_before':
      throw new StripeRefusal(500, internalError);
    default:
  }
}

const internalError = { type: 'api_error', message: 'An unknown error occurred.' } as const;

function errorResponse(error: unknown): HttpResponse {
  if (error instanceof StripeRefusal) return jsonResponse(error.status, errorBody(error.error));
  console.error('sandbox: a request failed', error);
  return jsonResponse(500, errorBody(internalError));
}

/** A retry would only replay a stored 500, so Stripe instructs its SDKs not to retry. */
function storedResponse(stored: StoredResponse, headers: Readonly<Record<string, string>> = {}): HttpResponse {
  const advice: Record<string, string> = stored.status === 500 ? { 'Stripe-Should-Retry': 'false' } : {};
  return {
    status: stored.status,
    headers: { 'Content-Type': 'application/json', 'Cache-Control': 'no-store', ...advice, ...headers },
    body: stored.body,
  };
}

function withStripeHeaders(response: HttpResponse, request: HttpRequest, requestId: string): HttpResponse {
  const key = headerOf(request, 'idempotency-key');
  return {
    ...response,
    headers: {
      ...response.headers,
      'Request-Id': requestId,
      'Stripe-Version': apiVersion,
      'Access-Control-Allow-Origin': '*',
      'Access-Control-Expose-Headers': 'Request-Id, Stripe-Version',
      ...(key !== undefined && /^[\x20-\x7e]*$/.test(key) && { 'Idempotency-Key': key }),
    },
  };
}

const preflight: HttpResponse = {
  status: 204,
  headers: {
    'Access-Control-Allow-Methods': 'GET, POST',
    'Access-Control-Allow-Headers': 'Authorization, Content-Type, Idempotency-Key, Stripe-Version',
    'Access-Control-Max-Age': '600',
  },
  body: '',
};

/** The key may be a bearer token or the user name of basic auth. @throws {StripeRefusal} 401 for a missing or unknown key. */
function authenticate(request: HttpRequest, keys: ApiKeys): KeyKind {
  const [scheme = '', credentials = ''] = (headerOf(request, 'authorization') ?? '').split(' ');
  const given =
    scheme.toLowerCase() === 'basic'
      ? (Buffer.from(credentials, 'base64').toString('utf8').split(':')[0] ?? '')
      : scheme.toLowerCase() === 'bearer'
        ? credentials
        : '';
  if (given === '') {
    throw unauthorized(
      'You did not provide an API key. You need to provide your API key in the Authorization header, using Bearer ' +
        "auth (e.g. 'Authorization: Bearer YOUR_SECRET_KEY').",
    );
  }
  if (given === keys.secretKey) return 'secret';
  if (given === keys.publishableKey) return 'publishable';
  throw unauthorized(`Invalid API Key provided: ${given.slice(0, 8)}****${given.length > 20 ? given.slice(-4) : ''}`);
}

function unauthorized(message: string): StripeRefusal {
  return new StripeRefusal(401, { type: 'invalid_request_error', message });
}

function secretKeyRequired(): StripeRefusal {
  return new StripeRefusal(401, {
    type: 'invalid_request_error',
    code: 'secret_key_required',
    message: 'This API call cannot be made with a publishable API key. Please use a secret API key.',
  });
}

/** Without the header, the version of the sandbox applies. @throws {StripeRefusal} for any other version. */
function checkVersion(request: HttpRequest): void {
  const version = headerOf(request, 'stripe-version');
  if (version === undefined || version === apiVersion) return;
  throw new StripeRefusal(400, {
    type: 'invalid_request_error',
    message: `Invalid Stripe API version: ${version.slice(0, 50)}. The sandbox supports ${apiVersion}.`,
  });
}

function checkContentType(request: HttpRequest): void {
  const type = headerOf(request, 'content-type') ?? '';
  if (request.body === '' || type.startsWith('application/x-www-form-urlencoded')) return;
  throw new StripeRefusal(400, {
    type: 'invalid_request_error',
    message: 'Invalid request (check that your POST content type is application/x-www-form-urlencoded).',
  });
}

/** @throws {StripeRefusal} 404 for an unknown path or method. */
function route(request: HttpRequest): { endpoint: Endpoint; id: string } {
  for (const endpoint of endpoints) {
    if (endpoint.method !== request.method) continue;
    const id = matchPath(endpoint.path, request.path.replace(/\/$/, ''));
    if (id !== null) return { endpoint, id: decodeSegment(id) };
  }
  throw new StripeRefusal(404, {
    type: 'invalid_request_error',
    message: `Unrecognized request URL (${request.method}: ${request.path.slice(0, 200)}).`,
  });
}

/** Stripe's JSON is pretty-printed. */
function pretty(value: object): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}
