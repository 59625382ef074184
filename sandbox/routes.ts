import { serveCashier } from './cashier.ts';
import { type Control, serveControl } from './control.ts';
import { type HttpAnswer, type HttpOutcome, type HttpRequest, jsonAnswer, redirectAnswer } from './http.ts';
import { type ApiKeys, serveStripeApi } from './stripe-api.ts';
import type { Books } from './stripe-books.ts';
import type { IdempotencyKeys } from './stripe-idempotency.ts';

/** Everything a running sandbox is made of. */
export type Parts = {
  readonly stripe: Books;
  readonly keys: ApiKeys;
  readonly idempotency: IdempotencyKeys;
  readonly control: Control;
};

/** What becomes of one request, whichever way it came in. Never rejects. */
export async function serve(parts: Parts, request: HttpRequest): Promise<HttpOutcome> {
  try {
    if (isUnder(request, '/v1'))
      return told(parts, await serveStripeApi(parts.stripe, parts.keys, parts.idempotency, request));
    if (isUnder(request, '/cashier')) return serveCashier(parts.stripe, request);
    if (isUnder(request, '/control') && isFromElsewhere(request)) {
      return problem(403, 'A page of another site may not control the sandbox.');
    }
    if (isUnder(request, '/control')) return await serveControl(parts.control, request);
    if (request.path === '/') return redirectAnswer('/cashier');
    return problem(404, `There is nothing at ${request.path.slice(0, 200)}.`);
  } catch (error) {
    console.error('sandbox: a request failed', error);
    return problem(500, 'The sandbox failed; its own log says why.');
  }
}

export function problem(status: number, message: string): HttpAnswer {
  return jsonAnswer(status, { error: { type: 'invalid_request_error', message } });
}

/** A client in virtual time cannot wait for its time-out: it is told that no answer comes, by a status that no API gives. */
const unansweredAnswer: HttpAnswer = { status: 599, headers: { 'X-Sandbox-Unanswered': 'timeout' }, body: '' };

function told({ stripe }: Parts, outcome: HttpOutcome): HttpOutcome {
  return outcome === 'unanswered' && !stripe.holdsRequests ? unansweredAnswer : outcome;
}

/** Browsers say whose page sends a request; nothing else does. */
function isFromElsewhere({ headers }: HttpRequest): boolean {
  return headers.origin !== undefined && headers.origin !== `http://${headers.host}`;
}

function isUnder(request: HttpRequest, prefix: string): boolean {
  return request.path === prefix || request.path.startsWith(`${prefix}/`);
}
