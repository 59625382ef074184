import type { IncomingMessage } from 'node:http';
import { withinSpan } from '../logging/trace.ts';
import { beginPiece, isObserved } from '../telemetry/observe.ts';
import { parseTraceparent } from '../telemetry/traceparent.ts';
import type { Answer } from './answer.ts';

/** Observes a request until its response is sent. It continues the trace that its `traceparent` names. Probes are not observed. */
export function observeRequest(request: IncomingMessage, response: Answer, answer: () => Promise<void>): Promise<void> {
  if (!isObserved()) return answer();
  const route = routeOf(request.url ?? '');
  if (route === 'health') return answer();
  const { method = '', headers } = request;
  const watch = beginPiece({
    ...{ kind: 'request', name: `${methods.includes(method) ? method : 'OTHER'} ${route}`, labels: { route } },
    parent: parseTraceparent(headers.traceparent),
    attributes: { requestId: response.requestId },
  });
  response.once('close', () => {
    const isStream = String(response.getHeader('content-type')).startsWith('text/event-stream');
    watch.end(isStream ? 'stream' : response.writableFinished ? String(response.statusCode) : 'aborted');
  });
  return watch.span === null ? answer() : withinSpan(watch.span, answer);
}

const methods: readonly string[] = ['GET', 'HEAD', 'POST', 'OPTIONS'];

/** One of a few names, whatever path a client sends. */
function routeOf(url: string): string {
  const [, first = ''] = /^\/([\w-]*)/.exec(url) ?? [];
  if (first === 'healthz' || first === 'readyz') return 'health';
  return ['graphql', 'webhooks', 'dashboard', 'checkout'].includes(first) ? first : 'other';
}
