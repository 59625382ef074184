import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { findImportCycles, findViolations, type SourceFile } from './house-rules.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

function readSources(): SourceFile[] {
  return ['src', 'sandbox', 'packages/client', 'test', 'examples', 'scripts'].flatMap((tree) =>
    readdirSync(join(root, tree), { recursive: true, encoding: 'utf8' })
      .map((name) => `${tree}/${name.replaceAll('\\', '/')}`)
      .filter((path) => /\.(ts|tsx|js|mjs)$/.test(path) && !/(^|\/)(generated|node_modules|dist)\//.test(path))
      .map((path) => ({ path, text: readFileSync(join(root, path), 'utf8') })),
  );
}

test('every file keeps the rules of the house', () => {
  const sources = readSources();
  expect(sources.length).toBeGreaterThan(10);
  expect(sources.flatMap(findViolations)).toEqual([]);
});

test('no files import each other in a circle', () => {
  expect(findImportCycles(readSources())).toEqual([]);
});

test('a circle is found, also one of types, over three files', () => {
  const file = (path: string, ...lines: string[]) => ({ path, text: lines.join('\n') });
  const sources = [
    file('src/domain/order.ts', `import type { Payment } from './payment.ts';`),
    file('src/domain/payment.ts', `import { type Refund, sum } from './refund.ts';`, `import { x } from './money.ts';`),
    file('src/domain/refund.ts', `export * from './order.ts';`),
    file('src/domain/money.ts', ''),
    file('sandbox/server.ts', `const { late } = await import('./clock.ts');`),
    file('sandbox/clock.ts', `import { server } from './server.ts';`),
    file('test/domain/order.test.ts', `import './order.test.ts';`),
  ];
  expect(findImportCycles(sources)).toEqual([
    'sandbox/clock.ts, sandbox/server.ts',
    'src/domain/order.ts, src/domain/payment.ts, src/domain/refund.ts',
  ]);
});

test.each<[path: string, line: string]>([
  ['src/domain/order.ts', `import { openDatabase } from '../database/database.ts';`],
  ['src/domain/order.ts', `import { readFileSync } from 'node:fs';`],
  ['src/domain/order.ts', `export * from 'pg';`],
  ['src/domain/order.ts', 'const now = Date.now();'],
  ['src/domain/order.ts', 'const now = new Date( );'],
  ['src/store/order-store.ts', `import { appendEvents } from '../events/log.ts';`],
  ['src/events/feed.ts', `const { pay } = await import('../commands/pay-order.ts');`],
  ['src/commands/pay-order.ts', `import { createStripe } from '../providers/stripe.ts';`],
  ['src/commands/pay-order.ts', `import { sweep } from '../worker/sweep.ts';`],
  ['src/commands/pay-order.ts', `  await changeOrder(context, 'review', { orderId }, async (change) => {});`],
  ['src/commands/pay-order.ts', '  await db.transaction(async (tx) => undefined);'],
  ['packages/client/src/pay.ts', `import type { Order } from '../../../src/domain/order.ts';`],
  ['packages/client/src/pay.ts', `import { randomUUID } from 'node:crypto';`],
  ['packages/client/src/pay.ts', `import { GraphQLError } from 'graphql-yoga';`],
  [
    'src/worker/apply-delivery.ts',
    `  return changeOrderByDelivery(context, orderId, delivery, async (change) => verdict);`,
  ],
  ['src/provider-calls/refunds.ts', `import { requestRefund } from '../commands/request-refund.ts';`],
  ['src/store/order-writer.ts', `import { submitRefund } from '../provider-calls/refunds.ts';`],
  ['src/reconciliation/reconcile.ts', `import { sweep } from '../worker/sweep.ts';`],
  ['src/graphql/order.ts', `import { recordDelivery } from '../events/inbox.ts';`],
  ['src/http/server.ts', `import type { Database } from '../database/database.ts';`],
  ['src/main.ts', `import { openDatabase } from './database/database.ts';`],
  ['src/app.ts', `import { startSandbox } from '../sandbox/server.ts';`],
  ['src/helpers/strings.ts', `import { money } from '../domain/money.ts';`],
  ['sandbox/server.ts', `import { newId } from '../src/domain/ids.ts';`],
  ['sandbox/alipay/trades.ts', `import { yuan } from '../wechatpay/objects.ts';`],
  ['src/http/server.ts', 'const port = process.env.PORT;'],
  ['src/providers/stripe/http-client.ts', '  const calls = new AsyncLocalStorage<Call>();'],
  ['test/api/orders.test.ts', `test.${'only'}('pays', () => {});`],
  ['test/api/orders.test.ts', `describe.${'skip'}('pays', () => {});`],
  ['src/providers/stripe/adapter.ts', `stripe.webhooks.constructEvent${'WithoutVerification'}(body);`],
])('in %s the checker catches: %s', (path, line) => {
  expect(findViolations({ path, text: `// one\n// two\n${line}\n` })).toEqual([
    expect.stringMatching(`^${path.replaceAll('.', '\\.')}:3: .+`),
  ]);
});

test.each<[path: string, line: string]>([
  ['src/domain/order.ts', `import { sumOf } from './money.ts';`],
  ['src/domain/order.ts', 'const at = new Date(text);'],
  ['src/commands/pay-order.ts', `import type { PaymentProvider } from '../providers/provider.ts';`],
  ['src/graphql/order.ts', `import type { Order } from '../../prisma/generated/client/client.ts';`],
  ['src/app.ts', `import { openDatabase } from './database/database.ts';`],
  ['src/config.ts', 'const port = process.env.PORT;'],
  ['src/logging/trace.ts', 'const traces = new AsyncLocalStorage<Trace>();'],
  ['sandbox/server.ts', `import { createStripeProvider } from './stripe/provider.ts';`],
  ['sandbox/alipay/trades.ts', `import type { SandboxContext } from '../context.ts';`],
  ['packages/client/src/pay.ts', `import { PayDocument } from '../generated/graphql.ts';`],
  ['test/api/orders.test.ts', `import { openDatabase } from '../../src/database/database.ts';`],
])('in %s the checker lets pass: %s', (path, line) => {
  expect(findViolations({ path, text: `${line}\n` })).toEqual([]);
});
