import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { GraphQLError } from 'graphql';
import { type ExportKind, exportKinds, type ReadExport } from '../graphql/export-pages.ts';
import type { Answer } from './answer.ts';
import { byteOrderMark, csvRecord } from './csv.ts';
import { RequestRefusedError, retryAfterMs } from './refusal.ts';

/** The number of exports that one process sends at a time, of all merchants. Each holds one page of rows. */
export const exportsMax = 16;

/** The time in which a client has to take a page. One that takes less keeps its place from others. */
export const pageTakenMsMax = 30_000;

type Row = Readonly<Record<string, unknown>>;
type Column = readonly [name: string, read: (row: Row) => unknown];

const at =
  (...path: readonly string[]) =>
  (row: Row): unknown =>
    path.reduce<unknown>((value, name) => (value as Row | null | undefined)?.[name], row);

/** New columns may be added at the end. */
const columns: Readonly<Record<ExportKind, readonly Column[]>> = {
  orders: [
    ...([
      ['id', at('id')],
      ['number', at('number')],
      ['status', at('status')],
    ] as const),
    ...([
      ['payment_status', at('paymentStatus')],
      ['currency', at('total', 'currency')],
    ] as const),
    ...([
      ['total', at('total', 'decimal')],
      ['captured', at('captured', 'decimal')],
    ] as const),
    ...([
      ['refunded', at('refunded', 'decimal')],
      ['customer_id', at('customerId')],
    ] as const),
    ...([
      ['description', at('description')],
      ['metadata', at('metadata')],
    ] as const),
    ['needs_review', (row) => (at('needsReview')(row) as readonly string[]).join(' ')],
    ...([
      ['created_at', at('createdAt')],
      ['updated_at', at('updatedAt')],
      ['expires_at', at('expiresAt')],
    ] as const),
  ],
  payments: [
    ...([
      ['id', at('id')],
      ['order_id', at('order', 'id')],
      ['order_number', at('order', 'number')],
    ] as const),
    ...([
      ['method', at('method')],
      ['flow', at('flow')],
      ['status', at('status')],
    ] as const),
    ...([
      ['currency', at('amount', 'currency')],
      ['amount', at('amount', 'decimal')],
    ] as const),
    ...([
      ['captured', at('captured', 'decimal')],
      ['refunded', at('refunded', 'decimal')],
    ] as const),
    ...([
      ['provider_payment_id', at('providerPaymentId')],
      ['card_brand', at('card', 'brand')],
    ] as const),
    ...([
      ['card_last4', at('card', 'last4')],
      ['failure', at('failure', 'reason')],
    ] as const),
    ...([
      ['created_at', at('createdAt')],
      ['succeeded_at', at('succeededAt')],
    ] as const),
  ],
  refunds: [
    ...([
      ['id', at('id')],
      ['order_id', at('order', 'id')],
      ['order_number', at('order', 'number')],
    ] as const),
    ...([
      ['payment_id', at('payment', 'id')],
      ['method', at('payment', 'method')],
      ['status', at('status')],
    ] as const),
    ...([
      ['origin', at('origin')],
      ['approval', at('approval')],
      ['currency', at('amount', 'currency')],
    ] as const),
    ...([
      ['amount', at('amount', 'decimal')],
      ['reason', at('reason')],
    ] as const),
    ...([
      ['provider_refund_id', at('providerRefundId')],
      ['failure', at('failure', 'reason')],
    ] as const),
    ...([
      ['created_at', at('createdAt')],
      ['succeeded_at', at('succeededAt')],
    ] as const),
  ],
};

const statuses: Readonly<Record<string, number>> = {
  ...{ UNAUTHENTICATED: 401, FORBIDDEN: 403, BAD_USER_INPUT: 400, RATE_LIMITED: 429, OVERLOADED: 503 },
};

/** The kind of a path such as `/exports/orders.csv`; null for any other path. */
export function exportKindOf(path: string): ExportKind | null {
  return exportKinds.find((kind) => path === `/exports/${kind}.csv`) ?? null;
}

export type ServeExport = (
  kind: ExportKind,
  request: IncomingMessage,
  response: Answer,
  requestId: string,
) => Promise<void>;

/**
 * Sends lists as CSV. The rows are sent as they are read, a page at a time and as fast as the client takes them. A failure in between cuts the
 * connection, so that the client does not take the part for the whole.
 */
export function createExports(read: ReadExport, addressOf: (request: IncomingMessage) => string): ServeExport {
  let running = 0;
  return async (kind, request, response, requestId) => {
    if (request.method !== 'GET')
      throw new RequestRefusedError(405, `${request.method} is not allowed here. Send GET.`, {
        headers: { allow: 'GET' },
      });
    if (running >= exportsMax)
      throw new RequestRefusedError(503, 'Too many exports are being sent. Try again in a moment.', {
        code: 'OVERLOADED',
        headers: { 'retry-after': String(retryAfterMs / 1000) },
      });
    running += 1;
    try {
      const parameters = new URLSearchParams(request.url?.split('?')[1]);
      const authorization = request.headers.authorization ?? null;
      const address = addressOf(request);
      await send(read({ kind, authorization, parameters, requestId, address }), kind, response);
    } finally {
      running -= 1;
    }
  };
}

async function send(pages: ReturnType<ReadExport>, kind: ExportKind, response: Answer): Promise<void> {
  const closed = once(response, 'close');
  let page = await pages.next().catch((error: unknown) => Promise.reject(refusalOf(error)));
  response.writeHead(200, {
    'content-type': 'text/csv; charset=utf-8; header=present',
    'content-disposition': `attachment; filename="${kind}.csv"`,
    'cache-control': 'no-store',
  });
  response.write(byteOrderMark + csvRecord(columns[kind].map(([name]) => name)));
  while (!page.done && !response.destroyed) {
    const text = page.value.map((row) => csvRecord(columns[kind].map(([, read]) => read(row)))).join('');
    if (text !== '' && !response.write(text)) {
      const tooLong = setTimeout(() => response.destroy(), pageTakenMsMax);
      await Promise.race([once(response, 'drain'), closed]);
      clearTimeout(tooLong);
    }
    if (response.destroyed) break;
    page = await pages.next();
  }
  if (response.destroyed) {
    await pages.return(undefined);
    return;
  }
  response.end();
}

/** Before the first row, an error is an answer. */
function refusalOf(error: unknown): unknown {
  if (!(error instanceof GraphQLError)) return error;
  const { code, retryAfterMs: waitMs } = error.extensions;
  const status = statuses[String(code)];
  if (status === undefined) return new RequestRefusedError(500, error.message, { code: 'INTERNAL' });
  const headers: Record<string, string> = {
    ...(status === 401 && { 'www-authenticate': 'Bearer' }),
    ...(typeof waitMs === 'number' && { 'retry-after': String(Math.ceil(waitMs / 1000)) }),
  };
  return new RequestRefusedError(status, error.message, { headers });
}
