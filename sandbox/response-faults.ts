import type { SandboxContext } from './context.ts';
import type { Applied, RequestFault } from './faults.ts';
import type { HttpResponse, HttpResult } from './http.ts';

/**
 * Applies the faults that affect the response of an executed request. In virtual time a late response is returned at once: its header
 * says how late it would be.
 */
export async function withResponseFault(
  { clock }: Pick<SandboxContext, 'clock'>,
  response: HttpResponse,
  rule: Applied<RequestFault> | null,
): Promise<HttpResult> {
  switch (rule?.fault) {
    case 'timeout_after':
      return 'unanswered';
    case 'reset_after':
      return 'reset';
    case 'malformed':
      return { ...response, status: 200, body: '<html><body>Bad gat' };
    case 'delay_after': {
      const lateMs = rule.ms ?? 0;
      if (!clock.isVirtual) return later({ clock }, lateMs, () => response);
      return { ...response, headers: { ...response.headers, 'X-Sandbox-Late-Ms': String(lateMs) } };
    }
    default:
      return response;
  }
}

/**
 * Executes a request later, for the fault `delay`, even when its client has disconnected by then. `execute` must return refusals as
 * responses.
 */
export async function executeLater(
  context: Pick<SandboxContext, 'clock' | 'holdsRequests'>,
  delayMs: number,
  execute: () => HttpResponse,
): Promise<HttpResult> {
  const response = later(context, delayMs, execute);
  if (context.holdsRequests) return response;
  response.catch((error: unknown) => console.error('sandbox: a delayed request failed', error)); // it has no other reader
  return 'unanswered';
}

/** Runs `work` later on the sandbox's clock; never settles when the sandbox closes before. */
function later<T>({ clock }: Pick<SandboxContext, 'clock'>, delayMs: number, work: () => T): Promise<T> {
  return new Promise((resolve, reject) => {
    clock.at(clock.nowMs() + delayMs, () => {
      try {
        resolve(work());
      } catch (error) {
        reject(error);
      }
    });
  });
}
