import { afterAll, beforeAll, expect, test } from 'vitest';
import { createOrder, paidOrder } from '../support/orders.ts';
import { untilSettled } from '../support/settled.ts';
import { startTestApp, type TestApp } from '../support/test-app.ts';

type Listed = { id: string; occurredAt: string; type: string };
type Page = { nodes: Listed[]; pageInfo: { hasNextPage: boolean; endCursor: string | null } };

let app: TestApp;
let all: readonly Listed[];

beforeAll(async () => {
  app = await startTestApp();
  for (let day = 0; day < 4; day += 1) {
    await paidOrder(app);
    await createOrder(app);
    app.clock.advance(24 * 3_600_000);
  }
  await untilSettled(app.app.database.pool);
  all = await read('orderBy: OLDEST_FIRST');
});
afterAll(() => app.close());

const ask = (args: string) =>
  app.client
    .request<{ events: Page }>(
      `{ events(${args}) { nodes { id occurredAt type } pageInfo { hasNextPage endCursor } } }`,
    )
    .then(({ events }) => events);

/** All pages, of three events each. */
async function read(args: string): Promise<Listed[]> {
  const listed: Listed[] = [];
  for (let after: string | null = null; ; ) {
    const page: Page = await ask(`first: 3, ${args}${after === null ? '' : `, after: "${after}"`}`);
    listed.push(...page.nodes);
    if (!page.pageInfo.hasNextPage) return listed;
    after = page.pageInfo.endCursor;
  }
}

test('newest first has the same events as oldest first, the other way round', async () => {
  expect(all.length).toBeGreaterThan(12);
  expect(await read('orderBy: NEWEST_FIRST')).toEqual([...all].reverse());
  const created = all.filter(({ type }) => type === 'ORDER_CREATED');
  expect(await read('orderBy: NEWEST_FIRST, types: [ORDER_CREATED]')).toEqual([...created].reverse());
});

test('by time, exactly the events from one time until before the other are listed, in both orders', async () => {
  const times = [...new Set(all.map(({ occurredAt }) => occurredAt))];
  const bounds = [times[0], times[3], times[Math.floor(times.length / 2)], times.at(-1), '2020-01-01T00:00:00Z'];
  for (const from of bounds) {
    for (const before of bounds) {
      const within = all.filter(({ occurredAt: at }) => at >= String(from) && at < String(before));
      const args = `createdFrom: "${from}", createdBefore: "${before}"`;
      expect(await read(args)).toEqual(within);
      expect(await read(`orderBy: NEWEST_FIRST, ${args}`)).toEqual([...within].reverse());
    }
  }
});
