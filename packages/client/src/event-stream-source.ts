import { untilAborted } from './deadline.ts';
import { type AnsweredError, errorOf, networkError, PaystreamError } from './errors.ts';
import { type Result, type Sink, type Source, silenceMsMax } from './source.ts';
import { headersOf, type Token } from './token.ts';

export type EventStreamParts = { readonly url: string; readonly token: Token; readonly fetch: typeof fetch };

/**
 * Subscriptions over Server-Sent Events, each with a request of its own. It reads the stream of `fetch`, because a browser's EventSource
 * sends neither an Authorization header nor a body.
 */
export function createEventStreamSource({ url, token, fetch }: EventStreamParts): Source {
  return (operation, sink) => {
    const ending = new AbortController();
    let isOver = false;
    const own: Sink = {
      opened: () => !isOver && sink.opened(),
      received: (result) => !isOver && sink.received(result),
      closed(error) {
        if (isOver) return;
        isOver = true;
        sink.closed(error);
      },
    };
    read({ url, token, fetch }, operation, ending, own).then(
      () => own.closed(null),
      (error: unknown) => own.closed(error instanceof PaystreamError ? error : networkError(error)),
    );
    return () => {
      isOver = true;
      ending.abort();
    };
  };
}

async function read(
  { url, token, fetch }: EventStreamParts,
  operation: object,
  ending: AbortController,
  sink: Sink,
): Promise<void> {
  let silence: ReturnType<typeof setTimeout> | undefined;
  const listen = () => {
    clearTimeout(silence);
    silence = setTimeout(() => ending.abort(), silenceMsMax);
  };
  try {
    listen();
    const tokenHeaders = await untilAborted(ending.signal, headersOf(token));
    const response = await fetch(url, {
      method: 'POST',
      headers: { accept: 'text/event-stream', 'content-type': 'application/json', ...tokenHeaders },
      body: JSON.stringify(operation),
      signal: ending.signal,
    });
    if (!response.ok || response.body === null) throw await refusalOf(response);
    if (!response.headers.get('content-type')?.startsWith('text/event-stream')) throw await refusalOf(response);
    sink.opened();
    const messages = createParser();
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    for (;;) {
      listen();
      const { done, value } = await reader.read();
      if (done) throw networkError(new Error('The stream was cut.'));
      for (const { event, data } of messages(value)) {
        if (event === 'complete') return;
        if (event === 'next') sink.received(JSON.parse(data) as Result);
      }
    }
  } finally {
    clearTimeout(silence);
    ending.abort();
  }
}

async function refusalOf(response: Response): Promise<PaystreamError> {
  const { status } = response;
  const body: unknown = await response.json().catch(() => null);
  const errors = (body as { errors?: readonly AnsweredError[] } | null)?.errors;
  if (Array.isArray(errors)) return errorOf(errors);
  if (status === 401 || status === 403) return new PaystreamError('FORBIDDEN', `The server answered ${status}.`);
  if (status < 500 && status !== 408 && status !== 429) {
    return new PaystreamError('TRANSPORT', `The server answered ${status} without an event stream. Check the url.`);
  }
  return networkError(new Error(`The server answered ${status}.`));
}

type Message = { readonly event: string; readonly data: string };

/** Reads the messages out of the pieces of an event stream. */
export function createParser(): (piece: string) => Message[] {
  let rest = '';
  return (piece) => {
    const blocks = (rest + piece).split(/\r?\n\r?\n/);
    rest = blocks.pop() ?? '';
    return blocks.map(messageIn);
  };
}

function messageIn(block: string): Message {
  const fields = block.split(/\r?\n/).map((line) => /^(\w+): ?(.*)$/.exec(line));
  const all = (name: string) => fields.filter((field) => field?.[1] === name).map((field) => field?.[2] ?? '');
  return { event: all('event').at(-1) ?? 'message', data: all('data').join('\n') };
}
