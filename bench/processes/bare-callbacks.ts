import { createHmac, timingSafeEqual } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import pg from 'pg';
import { serveCalls } from '../support/process-calls.ts';
import { environmentAccount, stripeAccountOf } from '../support/stand-in-stripe.ts';

/** The least that a server can do that must not lose a callback: it checks the signature, stores the callback, and acknowledges it. */
const { webhookSecret } = stripeAccountOf(environmentAccount);
const insertSql = `
  insert into deliveries (provider, provider_account, event_id, event_type, headers, body, status, received_at, apply_attempts)
  values ('STRIPE', 'acct_bench.test', $1, $2, $3, $4, 'APPLIED', now(), 0) on conflict (provider, provider_account, event_id) do nothing`;
/** As many as the product opens. */
const connectionsMax = 16;

const accepted = '{"received":true}';
let pool: pg.Pool | null = null;

const server = createServer(async (request, response) => {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const body = Buffer.concat(chunks);
  const [, seconds = '', signature = ''] =
    /^t=(\d+),v1=(\w{64})$/.exec(String(request.headers['stripe-signature'])) ?? [];
  const expected = createHmac('sha256', webhookSecret).update(`${seconds}.`).update(body).digest();
  const isSigned = signature !== '' && timingSafeEqual(expected, Buffer.from(signature, 'hex'));
  if (!isSigned) return void response.writeHead(400, { 'content-length': 0 }).end();
  const { id, type } = JSON.parse(body.toString()) as { id: string; type: string };
  const values = [id, type, JSON.stringify({ 'stripe-signature': request.headers['stripe-signature'] }), body];
  await pool?.query({ name: 'insert', text: insertSql, values });
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': accepted.length }).end(accepted);
});

const calls = {
  async listen({ databaseUrl }: { readonly databaseUrl: string }): Promise<string> {
    pool = new pg.Pool({ connectionString: databaseUrl, max: connectionsMax });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', 1024, resolve));
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  },
};
export type BareCallbacksCalls = typeof calls;
serveCalls(calls);
