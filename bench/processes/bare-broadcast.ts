import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type WebSocket, WebSocketServer } from 'ws';
import { serveCalls } from '../support/process-calls.ts';

/**
 * The least that a server can do that tells every WebSocket of each order: no database, no check, one text for all. It answers
 * `createOrder` and greets subscribers as the product does, so that the same load generator measures both.
 */
const server = createServer(async (request, response) => {
  let text = '';
  for await (const chunk of request) text += String(chunk);
  const { number } = (JSON.parse(text) as { variables: { input: { number: string } } }).variables.input;
  const frame = frameOf(number);
  for (const socket of sockets.clients) socket.send(frame);
  response.setHeader('content-type', 'application/json');
  response.end('{"data":{"createOrder":{"__typename":"Order"}}}');
});

/** As many bytes as the product's. */
function frameOf(number: string): string {
  const event = {
    ...{ id: `evt_${'0'.repeat(26)}`, cursor: 'c'.repeat(80), type: 'ORDER_CREATED' },
    ...{ occurredAt: '2026-01-01T00:00:00.000Z', orderId: `ord_${'0'.repeat(26)}`, orderNumber: number },
    ...{ orderStatus: 'OPEN', orderPaymentStatus: 'UNPAID', paymentId: null, paymentStatus: null, amount: null },
  };
  return JSON.stringify({ id: '1', type: 'next', payload: { data: { merchantEvents: event } } });
}

const sockets = new WebSocketServer({ server, perMessageDeflate: false });
sockets.on('connection', (socket: WebSocket) => {
  socket.on('error', () => undefined);
  socket.once('message', () => socket.send('{"type":"connection_ack"}'));
});

const calls = {
  async listen(_input: object): Promise<string> {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', 4096, resolve));
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  },
};
export type BareBroadcastCalls = typeof calls;
serveCalls(calls);
