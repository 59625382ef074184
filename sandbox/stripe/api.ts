import type { Applied, RequestFault } from '../faults.ts';
import { type HttpOutcome, type HttpRequest, type HttpResponse, headerOf, jsonResponse } from '../http.ts';
import { delayed, misdelivered } from '../response-faults.ts';
import { accountEndpoints } from './account.ts';
import { checkoutEndpoints } from './checkout-endpoints.ts';
import type { Call, Endpoint, KeyKind } from './endpoints.ts';
import { errorBody, StripeRefusal } from './errors.ts';
import { type FormHash, parseForm } from './form.ts';
import { type IdempotencyKeys, type Kept, type KeyedRequest, keyedRequest } from './idempotency.ts';
import { moneyEndpoints } from './money-endpoints.ts';
import { apiVersion } from './objects.ts';
import { intentEndpoints } from './payment-endpoints.ts';
import type { Cause, StripeState } from './state.ts';

export type ApiKeys = { readonly secretKey: string; readonly publishableKey: string };

const endpoints: readonly Endpoint[] = [
  ...intentEndpoints,
  ...checkoutEndpoints,
  ...moneyEndpoints,
  ...accountEndpoints,
];

/** Answers one request under /v1, well or ill as the fault rules say. Never rejects. */
export async function serveStripeApi(
  stripe: StripeState,
  keys: ApiKeys,
  idempotency: IdempotencyKeys,
  request: HttpRequest,
): Promise<HttpOutcome> {
  const requestId = stripe.newId('req_', 14);
  const outcome = await answer(stripe, keys, idempotency, request, requestId);
  return typeof outcome === 'string' ? outcome : withStripeHeaders(outcome, request, requestId);
}

async function answer(
  stripe: StripeState,
  keys: ApiKeys,
  idempotency: IdempotencyKeys,
  request: HttpRequest,
  requestId: string,
): Promise<HttpOutcome> {
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
    const work = { endpoint, id, key, form, keyed, storedFault: rule?.fault === 'error_500_after' };
    return await perform({ ...stripe, cause }, idempotency, work, rule);
  } catch (error) {
    return errorResponse(error);
  }
}

type Work = {
  readonly endpoint: Endpoint;
  readonly id: string;
  readonly key: KeyKind;
  readonly form: FormHash;
  readonly keyed: KeyedRequest | null;
  readonly storedFault: boolean;
};

/** Answers from what is kept under the key; else executes, now or when the rule says, holding the key until it is done. */
async function perform(
  stripe: StripeState,
  idempotency: IdempotencyKeys,
  work: Work,
  rule: Applied<RequestFault> | null,
): Promise<HttpOutcome> {
  const { keyed } = work;
  const kept = keyed && idempotency.claim(keyed);
  if (kept) return misdelivered(stripe, storedResponse(kept, { 'Idempotent-Replayed': 'true' }), rule);
  const executed = (): HttpResponse => {
    try {
      return storedResponse(execute(stripe, idempotency, work));
    } finally {
      if (keyed) idempotency.release(keyed);
    }
  };
  if (rule?.fault !== 'delay') return misdelivered(stripe, executed(), rule);
  return delayed(stripe, rule.ms ?? 0, () => {
    try {
      return executed();
    } catch (error) {
      return errorResponse(error);
    }
  });
}

/** Parameters that cannot be read are refused without a trace; from then on, whatever comes out is kept under the key. */
function execute(stripe: StripeState, idempotency: IdempotencyKeys, work: Work): Kept {
  const { endpoint, keyed } = work;
  const call = endpoint.read(work.form, { id: work.id, key: work.key, nowSeconds: stripe.clock.wireSeconds() });
  const keep = (done: Kept): Kept => {
    if (keyed) idempotency.keep(keyed, done);
    return done;
  };
  try {
    return stripe.ledger.transact(() => keep(work.storedFault ? runAndFail(stripe, call) : run(stripe, call)));
  } catch (error) {
    if (!(error instanceof StripeRefusal)) throw error;
    return stripe.ledger.transact(() => keep({ status: error.status, body: pretty(errorBody(error.error)) }));
  }
}

function run(stripe: StripeState, call: Call): Kept {
  const { status, body } = call(stripe);
  return { status, body: pretty(body) };
}

function runAndFail(stripe: StripeState, call: Call): Kept {
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

/** A 500 kept under a key would only be replayed: Stripe tells its SDKs not to ask again. */
function storedResponse(kept: Kept, headers: Readonly<Record<string, string>> = {}): HttpResponse {
  const advice: Record<string, string> = kept.status === 500 ? { 'Stripe-Should-Retry': 'false' } : {};
  return {
    status: kept.status,
    headers: { 'Content-Type': 'application/json', 'Cache-Control': 'no-store', ...advice, ...headers },
    body: kept.body,
  };
}

function withStripeHeaders(given: HttpResponse, request: HttpRequest, requestId: string): HttpResponse {
  const key = headerOf(request, 'idempotency-key');
  return {
    ...given,
    headers: {
      ...given.headers,
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

/** @throws {StripeRefusal} 401 for a missing or foreign key. A key may come as bearer or as the name of basic auth. */
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

/** @throws {StripeRefusal} for any other version than the one whose shapes the sandbox knows; none means that one. */
function checkVersion(request: HttpRequest): void {
  const version = headerOf(request, 'stripe-version');
  if (version === undefined || version === apiVersion) return;
  throw new StripeRefusal(400, {
    type: 'invalid_request_error',
    message: `Invalid Stripe API version: ${version.slice(0, 50)}. The sandbox speaks ${apiVersion}.`,
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

/** @throws {StripeRefusal} 404 for what is no endpoint, by its path or its method. */
function route(request: HttpRequest): { endpoint: Endpoint; id: string } {
  const steps = request.path.replace(/\/$/, '').split('/');
  for (const endpoint of endpoints) {
    const pattern = endpoint.path.split('/');
    if (endpoint.method !== request.method || pattern.length !== steps.length) continue;
    if (!pattern.every((step, index) => step === ':id' || step === steps[index])) continue;
    return { endpoint, id: decoded(steps[pattern.indexOf(':id')] ?? '') };
  }
  throw new StripeRefusal(404, {
    type: 'invalid_request_error',
    message: `Unrecognized request URL (${request.method}: ${request.path.slice(0, 200)}).`,
  });
}

function decoded(step: string): string {
  try {
    return decodeURIComponent(step);
  } catch {
    return step; // no id looks like that: the endpoint answers that there is none
  }
}

/** Stripe's JSON is pretty-printed. */
function pretty(value: object): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}
