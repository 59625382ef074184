import { serveCashier } from './cashier.ts';
import { type Control, serveControl } from './control.ts';
import { type HttpOutcome, type HttpRequest, type HttpResponse, jsonResponse, redirectResponse } from './http.ts';

/** What becomes of one request, whichever way it came in. Never rejects. */
export async function serve(control: Control, request: HttpRequest): Promise<HttpOutcome> {
  try {
    const provider = control.providers.find(({ isApi }) => isApi(request.path));
    if (provider !== undefined) return told(control, await provider.serveApi(request));
    if (isUnder(request, '/cashier')) return serveCashier(control.providers, request);
    if (isUnder(request, '/control') && isFromElsewhere(request)) {
      return problem(403, 'A page of another site may not control the sandbox.');
    }
    if (isUnder(request, '/control')) return await serveControl(control, request);
    if (request.path === '/') return redirectResponse('/cashier');
    return problem(404, `There is nothing at ${request.path.slice(0, 200)}.`);
  } catch (error) {
    console.error('sandbox: a request failed', error);
    return problem(500, 'The sandbox failed; its own log says why.');
  }
}

export function problem(status: number, message: string): HttpResponse {
  return jsonResponse(status, { error: { type: 'invalid_request_error', message } });
}

/** A client in virtual time cannot wait for its time-out: it is told that no answer comes, by a status that no API gives. */
const unansweredResponse: HttpResponse = { status: 599, headers: { 'X-Sandbox-Unanswered': 'timeout' }, body: '' };

function told({ context }: Control, outcome: HttpOutcome): HttpOutcome {
  return outcome === 'unanswered' && !context.holdsRequests ? unansweredResponse : outcome;
}

/** Browsers say whose page sends a request; nothing else does. */
function isFromElsewhere({ headers }: HttpRequest): boolean {
  return headers.origin !== undefined && headers.origin !== `http://${headers.host}`;
}

function isUnder(request: HttpRequest, prefix: string): boolean {
  return request.path === prefix || request.path.startsWith(`${prefix}/`);
}
