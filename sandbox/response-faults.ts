import type { Applied, RequestFault } from './faults.ts';
import type { HttpOutcome, HttpResponse } from './http.ts';
import type { SandboxContext } from './provider.ts';

type Timed = Pick<SandboxContext, 'clock' | 'holdsRequests'>;

/** How an answer reaches the client, if it does. In virtual time nobody waits: the answer says how late it would have come. */
export async function misdelivered(
  { clock }: Pick<Timed, 'clock'>,
  done: HttpResponse,
  rule: Applied<RequestFault> | null,
): Promise<HttpOutcome> {
  switch (rule?.fault) {
    case 'timeout_after':
      return 'unanswered';
    case 'reset_after':
      return 'reset';
    case 'malformed':
      return { ...done, status: 200, body: '<html><body>Bad gat' };
    case 'delay_after': {
      const lateMs = rule.ms ?? 0;
      if (!clock.isVirtual) return later({ clock }, lateMs, () => done);
      return { ...done, headers: { ...done.headers, 'X-Sandbox-Late-Ms': String(lateMs) } };
    }
    default:
      return done;
  }
}

/** Executes later, as `delay` says, also when the client is gone by then. `executed` answers for its own refusals. */
export async function delayed(timed: Timed, ms: number, executed: () => HttpResponse): Promise<HttpOutcome> {
  const done = later(timed, ms, executed);
  if (timed.holdsRequests) return done;
  done.catch((error: unknown) => console.error('sandbox: a delayed request failed', error)); // nobody hears it
  return 'unanswered';
}

/** Does something later on the sandbox's clock; never, when the sandbox is closed meanwhile. */
function later<T>({ clock }: Pick<Timed, 'clock'>, ms: number, work: () => T): Promise<T> {
  return new Promise((resolve, reject) => {
    clock.at(clock.nowMs() + ms, () => {
      try {
        resolve(work());
      } catch (error) {
        reject(error);
      }
    });
  });
}
