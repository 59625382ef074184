import { serveCashier } from './cashier.ts';
import { serveControl } from './control.ts';
import { type HttpRequest, type HttpResponse, type HttpResult, jsonResponse, redirectResponse } from './http.ts';
import type { SandboxParts } from './provider.ts';

/** Serves one request, from the network or from this process. Never rejects. */
export async function serve(parts: SandboxParts, request: HttpRequest): Promise<HttpResult> {
  try {
    const provider = parts.providers.find(({ isApi }) => isApi(request.path));
    if (provider !== undefined) return withUnansweredStatus(parts, await provider.serveApi(request));
    if (isUnder(request, '/cashier')) return serveCashier(parts.providers, request);
    if (isUnder(request, '/control') && isCrossOrigin(request)) {
      return problem(403, 'A page of another origin may not control the sandbox.');
    }
    if (isUnder(request, '/control')) return await serveControl(parts, request);
    if (request.path === '/') return redirectResponse('/cashier');
    return problem(404, `${request.path.slice(0, 200)} does not exist.`);
  } catch (error) {
    console.error('sandbox: a request failed', error);
    return problem(500, 'The sandbox failed. Its log has the error.');
  }
}

export function problem(status: number, message: string): HttpResponse {
  return jsonResponse(status, { error: { type: 'invalid_request_error', message } });
}

/** No real API responds with this status. */
const unansweredResponse: HttpResponse = { status: 599, headers: { 'X-Sandbox-Unanswered': 'timeout' }, body: '' };

/** A client in virtual time cannot wait for its time-out, so a status tells it that there is no response. */
function withUnansweredStatus({ context }: SandboxParts, result: HttpResult): HttpResult {
  return result === 'unanswered' && !context.holdsRequests ? unansweredResponse : result;
}

/** Only browsers send an Origin header. */
function isCrossOrigin({ headers }: HttpRequest): boolean {
  return headers.origin !== undefined && headers.origin !== `http://${headers.host}`;
}

function isUnder(request: HttpRequest, prefix: string): boolean {
  return request.path === prefix || request.path.startsWith(`${prefix}/`);
}
