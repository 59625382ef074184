import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { ClientError, GraphQLClient } from 'graphql-request';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { stripeSetup } from '../../src/providers/stripe/setup.ts';
import { diceOf, pick as pickFrom } from '../support/hostile-requests.ts';
import { testMasterKeys } from '../support/merchants.ts';
import { booksOf, paidOrder } from '../support/orders.ts';
import { createMinter } from '../support/principals.ts';
import { isSearch, searchOf } from '../support/search.ts';
import { startTestApp, stripeAt, type TestApp } from '../support/test-app.ts';

/** Each run is two races about one payment: people who request refunds, then people who decide about them while others request more. */
const { numRuns, seed } = searchOf(12);

const capturedMinor = 2500;
const limitMinor = 600;
/** Together more than the payment, alone or together more than the limit. */
const amounts = [1, 100, 300, 301, 599, 600, 601, 1200, 2499, 2500];

let app: TestApp;
/** A second server on the same database. Each person is logged in at both. */
let node: TestApp;
let people: Readonly<Record<'ada' | 'bob' | 'server', readonly GraphQLClient[]>>;

beforeAll(async () => {
  const config = { masterKeys: testMasterKeys };
  app = await startTestApp({ config });
  const providers = [stripeSetup(stripeAt(app.sandboxUrl))];
  node = await startTestApp({ config: { ...config, providers }, database: app.database, clock: app.clock });
  const { merchant } = await app.client.request<{ merchant: { id: string } }>('{ merchant { id } }');
  const mint = await createMinter(app, merchant.id);
  const at = (token: string) =>
    [app, node].map(
      ({ app: { url } }) => new GraphQLClient(`${url}/graphql`, { headers: { authorization: `Bearer ${token}` } }),
    );
  people = {
    ada: at(await mint('OPERATOR', 'ada', 86_400)),
    bob: at(await mint('OPERATOR', 'bob', 86_400)),
    server: at(app.token),
  };
  await app.client.request(
    `mutation { setRefundLimits(limits: [{ currency: EUR, amountMinor: ${limitMinor} }]) { __typename } }`,
  );
});
afterAll(async () => {
  await node.close();
  await app.close();
});

const answer = '{ __typename ... on Error { code } ... on Refund { id } }';
const acts = {
  requestRefund: `mutation($input: RequestRefundInput!) { act: requestRefund(input: $input) ${answer} }`,
  approveRefund: `mutation($refundId: ID!) { act: approveRefund(refundId: $refundId) ${answer} }`,
  rejectRefund: `mutation($input: RejectRefundInput!) { act: rejectRefund(input: $input) ${answer} }`,
};
/** A busy machine may refuse a request for now. The books must hold all the same. */
function overloaded(error: unknown): string {
  if (error instanceof ClientError && error.response.errors?.[0]?.extensions.code === 'OVERLOADED') return 'OVERLOADED';
  throw error;
}

const expectedCodes = ['REFUND_EXCEEDS_PAYMENT', 'FORBIDDEN', 'REFUND_NOT_APPROVABLE'];

type RefundRow = {
  readonly id: string;
  readonly status: string;
  readonly approval: 'NEEDED' | 'APPROVED' | 'REJECTED' | null;
  readonly requester: string;
  readonly decider: string | null;
  readonly kind: string;
  readonly amount: number;
};

async function refundsOf(paymentId: string): Promise<readonly RefundRow[]> {
  const { rows } = await app.database.pool.query<RefundRow>(
    `select id, status::text, approval::text, requested_by_kind || ' ' || requested_by_id as requester,
       decided_by_kind || ' ' || decided_by_id as decider, requested_by_kind::text as kind, amount_minor::int as amount
     from refunds where payment_id = $1 order by id`,
    [paymentId],
  );
  return rows;
}

const sumOf = (refunds: readonly RefundRow[]) => refunds.reduce((sum, { amount }) => sum + amount, 0);

/** What must hold at any time, from the rows and from the provider's ledger. Returns the refunds. */
async function checkBooks(paymentId: string): Promise<readonly RefundRow[]> {
  const refunds = await refundsOf(paymentId);
  const story = JSON.stringify(refunds);
  const approved = refunds.filter(({ approval }) => approval === 'APPROVED');
  expect(
    approved.filter(({ requester, decider }) => decider === null || requester === decider),
    story,
  ).toEqual([]);
  const standing = refunds.filter(({ status }) => status !== 'FAILED');
  expect(sumOf(standing), story).toBeLessThanOrEqual(capturedMinor);
  const unapproved = standing.filter(({ kind, approval }) => kind === 'OPERATOR' && approval === null);
  expect(sumOf(unapproved), story).toBeLessThanOrEqual(limitMinor);
  const { rows } = await app.database.pool.query<{ held: number }>(
    'select (refunded_minor + reserved_minor)::int as held from payments where id = $1',
    [paymentId],
  );
  expect(rows[0]?.held, story).toBe(sumOf(standing));
  const books = await booksOf(app, paymentId);
  const paidOut = books.refunds.map(({ amount }) => amount).sort((a, b) => a - b);
  const succeeded = refunds.filter(({ status }) => status === 'SUCCEEDED').map(({ amount }) => amount);
  expect(paidOut, story).toEqual(succeeded.sort((a, b) => a - b));
  expect(books.totals.refunded, story).toBe(sumOf(refunds.filter(({ status }) => status === 'SUCCEEDED')));
  return refunds;
}

test('in no race of people who request, approve and reject refunds is the limit passed alone, or the payment at all', async () => {
  const seen = new Map<string, number>();
  await fc.assert(
    fc.asyncProperty(fc.noBias(fc.gen()), async (draw) => {
      const dice = diceOf(draw);
      const pick = <T>(values: readonly T[]) => pickFrom(dice, values);
      const act = async (name: keyof typeof acts, variables: object) => {
        const client = pick(people[pick(['ada', 'bob', 'server'] as const)]);
        const answered = client.request<{ act: { __typename: string; code?: string } }>(acts[name], variables);
        const outcome = await answered.then(({ act: { code, __typename } }) => code ?? __typename, overloaded);
        expect(['Refund', 'OVERLOADED', ...expectedCodes]).toContain(outcome);
        seen.set(`${name}: ${outcome}`, (seen.get(`${name}: ${outcome}`) ?? 0) + 1);
      };
      const { payment } = await paidOrder(app);
      const keys = [randomUUID(), randomUUID(), randomUUID()];
      const wanted = keys.map((idempotencyKey) => ({
        idempotencyKey,
        paymentId: payment.id,
        amountMinor: pick(amounts),
      }));
      const request = () => act('requestRefund', { input: pick(wanted) });
      await Promise.all(Array.from({ length: 4 }, request));
      const refunds = await checkBooks(payment.id);
      const waiting = refunds.filter(({ approval }) => approval === 'NEEDED');
      const decide = () => {
        const { id } = pick(waiting);
        return draw(fc.nat, { max: 3 }) === 0
          ? act('rejectRefund', { input: { refundId: id } })
          : act('approveRefund', { refundId: id });
      };
      const decisions = waiting.length === 0 ? [] : Array.from({ length: 4 }, () => decide);
      const fresh = { idempotencyKey: randomUUID(), paymentId: payment.id, amountMinor: pick(amounts) };
      await Promise.all([request, ...decisions, () => act('requestRefund', { input: fresh })].map((start) => start()));
      await checkBooks(payment.id);
    }),
    { seed, numRuns, endOnFailure: true },
  );
  const always = ['requestRefund: Refund', 'approveRefund: Refund'];
  const inTime = ['requestRefund: REFUND_EXCEEDS_PAYMENT', 'approveRefund: FORBIDDEN', 'rejectRefund: Refund'];
  for (const outcome of isSearch ? [...always, ...inTime] : always) {
    expect([...seen.keys()]).toContain(outcome);
  }
});

test('the word of an operator settles no refund that waits for another person', async () => {
  const { orderId, payment } = await paidOrder(app);
  const input = { idempotencyKey: randomUUID(), paymentId: payment.id, amountMinor: capturedMinor };
  const [client = app.client] = people.ada;
  const { act } = await client.request<{ act: { id: string } }>(acts.requestRefund, { input });
  const stated = await client.request<{ act: object }>(
    `mutation($input: ResolveReviewInput!) { act: resolveReview(input: $input) {
      ... on Order { paymentStatus } ... on InvalidInputError { issues { path } } } }`,
    {
      input: {
        orderId,
        reasons: ['REFUND_ABNORMAL'],
        note: 'Done.',
        refunds: [{ refundId: act.id, status: 'SUCCEEDED' }],
      },
    },
  );
  expect(stated.act).toEqual({ issues: [{ path: 'refunds.0.refundId' }] });
  expect((await booksOf(app, payment.id)).totals.refunded).toBe(0);
});
