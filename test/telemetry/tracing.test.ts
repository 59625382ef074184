import { randomBytes, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Agent } from 'undici';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createGatherer } from '../../src/database/gatherer.ts';
import { createLogger } from '../../src/logging/logger.ts';
import { withinSpan } from '../../src/logging/trace.ts';
import { sendRequest } from '../../src/providers/http-request.ts';
import { addObserver, isObserved, observed } from '../../src/telemetry/observe.ts';
import type { TracingSettings } from '../../src/telemetry/settings.ts';
import { parseTraceparent, traceHeaders } from '../../src/telemetry/traceparent.ts';
import { openOtlpExporter, openTracing, reportingLosses } from '../../src/telemetry/tracing.ts';
import { confirmCard, createOrder, payOrder } from '../support/orders.ts';
import { attributeOf, type CollectedSpan, type OtlpCollector, startOtlpCollector } from '../support/otlp-collector.ts';
import { startTestApp, untilCallbacksCame } from '../support/test-app.ts';

describe('one lifecycle with tracing', () => {
  let collector: OtlpCollector;
  const lines: string[] = [];
  const clientsTrace = randomBytes(16).toString('hex');
  const clientsSpan = randomBytes(8).toString('hex');
  let spans: readonly CollectedSpan[] = [];
  let paymentId = '';

  beforeAll(async () => {
    collector = await startOtlpCollector();
    const telemetry = { tracing: collector.settings, metrics: null };
    const app = await startTestApp({
      config: { telemetry },
      log: createLogger('info', { write: (line) => void lines.push(line) }),
    });
    const order = await createOrder(app);
    app.client.setHeader('traceparent', `00-${clientsTrace}-${clientsSpan}-01`);
    const payment = await payOrder(app, order.id);
    paymentId = payment.id;
    await confirmCard(app, payment);
    await untilCallbacksCame(app);
    await app.close();
    await collector.close();
    spans = collector.spans.filter(({ traceId }) => traceId === clientsTrace);
  });

  const named = (name: string) => spans.filter((span) => span.name === name);
  const only = (name: string): CollectedSpan => {
    const [span, ...others] = named(name);
    if (span === undefined || others.length > 0) throw new Error(`${name}: ${others.length + (span ? 1 : 0)} spans`);
    return span;
  };
  const byId = (id: string | undefined) => spans.find(({ spanId }) => spanId === id);
  const ancestorsOf = (span: CollectedSpan | undefined): string[] => {
    const parent = byId(span?.parentSpanId);
    return parent === undefined ? [] : [parent.name, ...ancestorsOf(parent)];
  };

  test('the request continues the trace of the client’s traceparent', () => {
    expect(only('POST graphql').parentSpanId).toBe(clientsSpan);
  });

  test('the trace leads from the operation over the command to the provider and to SQL', () => {
    const fromCommand = ['command payOrder', 'operation mutation payOrder', 'POST graphql'];
    expect(ancestorsOf(only('provider call STRIPE startPayment'))).toEqual(fromCommand);
    expect(ancestorsOf(named('batch orders')[0])).toEqual(fromCommand);
    const inBatch = spans.filter(({ parentSpanId }) => byId(parentSpanId)?.name === 'batch orders');
    expect(inBatch.map(({ name }) => name)).toEqual(expect.arrayContaining(['COMMIT']));
    expect(inBatch.length).toBeGreaterThanOrEqual(4);
    expect(attributeOf(only('provider call STRIPE startPayment'), 'paymentId')).toBe(paymentId);
  });

  test('the callback is applied in the trace of payOrder, and linked with the request that brought it', () => {
    const applied = named('callback STRIPE apply').find((span) => attributeOf(span, 'paystream.outcome') === 'applied');
    expect(applied && attributeOf(applied, 'paymentId')).toBe(paymentId);
    expect(ancestorsOf(applied)).toContain('command payOrder');
    const [link] = applied?.links ?? [];
    const brought = collector.spans.find(({ spanId }) => spanId === link?.spanId);
    expect(brought?.name).toBe('POST webhooks');
    expect(brought?.traceId).not.toBe(clientsTrace);
    expect(spans.some(({ name, parentSpanId }) => name === 'batch orders' && parentSpanId === applied?.spanId)).toBe(
      true,
    );
  });

  test('log lines name their span', () => {
    const paid = lines.map((line) => JSON.parse(line)).find(({ command }) => command === 'payOrder');
    expect(paid).toMatchObject({ traceId: clientsTrace, spanId: only('command payOrder').spanId });
  });

  test('no span has the text of a statement or of an operation', () => {
    expect(JSON.stringify(collector.spans)).not.toMatch(/\$1|select |insert into|idempotencyKey|mutation\(/);
  });

  test('after the app is closed nothing is observed', () => {
    expect(isObserved()).toBe(false);
  });
});

test('items that are processed together: the batch is part of the trace of the first and linked with the others', async () => {
  const collector = await startOtlpCollector();
  const tracing = openTracing(collector.settings, openOtlpExporter(collector.settings), createLogger('silent'));
  const stopObserving = addObserver(tracing.observer);
  let release = () => {};
  const released = new Promise<void>((resolve) => {
    release = resolve;
  });
  let isUnderWay = false;
  const { run } = createGatherer<string, string>({
    name: 'letters',
    ...{ sizeMax: 10, keysOf: () => [] },
    run: async (items) => {
      isUnderWay = true;
      await released;
      return items.map((result) => ({ kind: 'done', result }));
    },
  });
  const ask = (name: string) => observed({ kind: 'command', name }, () => run(name));
  const first = ask('a');
  while (!isUnderWay) await new Promise(setImmediate);
  const others = ['b', 'c'].map(ask);
  release();
  expect(await Promise.all([first, ...others])).toEqual(['a', 'b', 'c']);
  stopObserving();
  await tracing.close();
  await collector.close();
  const command = (name: string) => collector.spans.find((span) => span.name === `command ${name}`);
  const batchOf = (name: string) => collector.spans.find(({ parentSpanId }) => parentSpanId === command(name)?.spanId);
  const linksOf = (span: CollectedSpan | undefined) => span?.links?.map(({ spanId }) => spanId) ?? [];
  expect(batchOf('a')?.name).toBe('batch letters');
  expect(linksOf(batchOf('a'))).toEqual([]);
  expect(linksOf(batchOf('b'))).toEqual([command('c')?.spanId]);
  expect(linksOf(command('c'))).toEqual([batchOf('b')?.spanId]);
  expect(batchOf('c')).toBeUndefined();
});

test('a request that its caller does not sample leaves no span and no row', async () => {
  const collector = await startOtlpCollector();
  const app = await startTestApp({ config: { telemetry: { tracing: collector.settings, metrics: null } } });
  const traceId = randomBytes(16).toString('hex');
  app.client.setHeader('traceparent', `00-${traceId}-${randomBytes(8).toString('hex')}-00`);
  const order = await createOrder(app);
  const payment = await payOrder(app, order.id);
  // A callback of the provider is a request of its own, and may have left a row for its delivery by now.
  const ofPayment = 'select subject_id from trace_contexts where subject_id = $1';
  const { rows } = await app.database.pool.query(ofPayment, [payment.id]);
  await app.close();
  await collector.close();
  expect(rows).toEqual([]);
  expect(collector.spans.filter((span) => span.traceId === traceId)).toEqual([]);
});

test('a collector that is away changes no answer and holds up no end', async () => {
  const collector = await startOtlpCollector();
  await collector.close();
  const app = await startTestApp({ config: { telemetry: { tracing: collector.settings, metrics: null } } });
  const { id } = await createOrder(app);
  expect(id).toMatch(/^ord_/);
  await app.close();
});

test.each([
  ['00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01', true],
  ['00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00', false],
  ['cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-03-what-comes-later', true],
])('the traceparent %s is read', (text, isSampled) => {
  const traceId = '4bf92f3577b34da6a3ce929d0e0e4736';
  expect(parseTraceparent(text)).toEqual({ traceId, spanId: '00f067aa0ba902b7', isSampled });
});

test.each([
  undefined,
  '',
  randomUUID(),
  'ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
  '00-00000000000000000000000000000000-00f067aa0ba902b7-01',
  '00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01',
  '00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01',
  '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01x',
  ['00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'],
])('the traceparent %s is ignored', (text) => {
  expect(parseTraceparent(text)).toBeNull();
});

test('a request to a provider carries the trace on, and none while tracing is off', async () => {
  const heard: (string | undefined)[] = [];
  const server = createServer((request, response) => {
    heard.push(request.headers.traceparent as string | undefined);
    response.end('{}');
  }).listen(0, '127.0.0.1');
  const dispatcher = new Agent();
  afterAll(async () => {
    await dispatcher.close();
    server.close();
  });
  await new Promise((resolve) => server.once('listening', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  const request = { method: 'GET', url, headers: {}, body: '', timeoutMs: 60_000 } as const;
  const span = { traceId: 'a'.repeat(32), spanId: 'b'.repeat(16), isSampled: true, link() {} };
  await sendRequest(dispatcher, request, new AbortController().signal);
  await withinSpan(span, () => sendRequest(dispatcher, request, new AbortController().signal));
  expect(heard).toEqual([undefined, `00-${span.traceId}-${span.spanId}-01`]);
  expect(traceHeaders()).toEqual({});
});

test('spans that a collector refuses are logged and counted', async () => {
  const collector = createServer((_request, response) => void response.writeHead(401).end());
  collector.listen(0, '127.0.0.1');
  await once(collector, 'listening');
  const { port } = collector.address() as AddressInfo;
  const settings: TracingSettings = {
    ...{ url: `http://127.0.0.1:${port}/v1/traces`, headers: { authorization: 'Bearer c0llectors-token' } },
    ...{ timeoutMs: 10_000, serviceName: 'paystream', resource: {}, sampler: 'always_on', ratio: 1 },
  };
  const lines: string[] = [];
  const log = createLogger('info', { write: (line) => void lines.push(line) });
  const losses = countLosses();
  const tracing = openTracing(settings, openOtlpExporter(settings), log);
  for (const name of ['a', 'b']) tracing.observer.begin({ kind: 'command', name }).end('done');
  await tracing.close();
  losses.stop();
  collector.closeAllConnections();
  collector.close();
  expect(losses.count).toBe(2);
  expect(lines.map((line) => JSON.parse(line))).toEqual([
    expect.objectContaining({ level: 40, lostSpans: 2, msg: 'traces could not be exported to the collector' }),
  ]);
  expect(JSON.parse(lines[0] ?? '').err).toMatchObject({ code: '401' });
  expect(lines.join('')).not.toContain('c0llectors-token');
});

test('while the collector is away there is one line a minute, which says how many spans were lost since the last one', () => {
  const lines: string[] = [];
  let nowMs = 0;
  const exporter = reportingLosses(
    { export: (_spans, done) => done({ code: 1, error: new Error('connect ECONNREFUSED') }), shutdown: async () => {} },
    createLogger('info', { write: (line) => void lines.push(line) }),
    () => nowMs,
  );
  const losses = countLosses();
  for (nowMs of [0, 5000, 59_999, 60_000, 60_001]) exporter.export([{} as never, {} as never], () => {});
  losses.stop();
  expect(lines.map((line) => JSON.parse(line).lostSpans)).toEqual([2, 6]);
  expect(losses.count).toBe(10);
});

function countLosses(): { count: number; stop(): void } {
  const stop = addObserver({
    ...{ hasSpans: false, begin: () => ({ span: null, add() {}, end() {} }) },
    note(fact) {
      if (fact.kind === 'lost spans') losses.count += fact.count;
    },
  });
  const losses = { count: 0, stop };
  return losses;
}
