import WebSocket from 'ws';
import type { TestApp } from './test-app.ts';

export const transports = ['HTTP', 'SSE', 'WebSocket'] as const;
export type Transport = (typeof transports)[number];

export type Operation = {
  readonly query?: string;
  readonly operationName?: string;
  readonly variables?: object;
  readonly extensions?: object;
};

export type TransportAnswer = {
  readonly data?: Record<string, unknown> | null;
  readonly errors?: readonly { readonly message: string; readonly extensions: Record<string, unknown> }[];
};

export type TransportOptions = { readonly token?: string | null; readonly headers?: Record<string, string> };

/** Sends an operation that ends by itself, and resolves to everything that is answered. */
export async function answersOf(
  app: TestApp,
  transport: Transport,
  operation: Operation,
  options: TransportOptions = {},
): Promise<TransportAnswer[]> {
  const { token = app.token, headers = {} } = options;
  const authorization: Record<string, string> = token === null ? {} : { authorization: `Bearer ${token}` };
  if (transport === 'WebSocket') return bySocket(app, operation, authorization, headers);
  const accept = transport === 'SSE' ? 'text/event-stream' : 'application/json';
  const response = await fetch(`${app.app.url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept, ...authorization, ...headers },
    body: JSON.stringify(operation),
  });
  const text = await response.text();
  if (!/^data: /m.test(text)) return [JSON.parse(text)];
  return [...text.matchAll(/^data: (.+)$/gm)].map(([, data = '']) => JSON.parse(data));
}

/** Rejects with the code and the reason if the server closes the socket instead. */
function bySocket(
  app: TestApp,
  { query = '', ...operation }: Operation,
  authorization: Record<string, string>,
  headers: Record<string, string>,
): Promise<TransportAnswer[]> {
  const socket = new WebSocket(`${app.app.url.replace('http', 'ws')}/graphql`, 'graphql-transport-ws', { headers });
  const answers: TransportAnswer[] = [];
  return new Promise((resolve, reject) => {
    socket.on('error', reject);
    socket.on('open', () => socket.send(JSON.stringify({ type: 'connection_init', payload: authorization })));
    socket.on('close', (code, reason) => reject(new Error(`The socket was closed: ${code} ${reason}`)));
    socket.on('message', (data) => {
      const { type, payload } = JSON.parse(String(data)) as { type: string; payload: unknown };
      if (type === 'connection_ack') {
        socket.send(JSON.stringify({ id: '1', type: 'subscribe', payload: { query, ...operation } }));
      }
      if (type === 'next') answers.push(payload as TransportAnswer);
      if (type === 'error') answers.push({ errors: payload as TransportAnswer['errors'] });
      if (type === 'error' || type === 'complete') {
        socket.close();
        resolve(answers);
      }
    });
  });
}
