import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { note } from '../../src/telemetry/observe.ts';
import { confirmCard, createOrder, payOrder } from '../support/orders.ts';
import { type Sample, samplesIn } from '../support/samples.ts';
import { followOrder } from '../support/subscriber.ts';
import { startTestApp, type TestApp, untilCallbacksCame } from '../support/test-app.ts';

const read = (file: string) => readFileSync(new URL(`../../deploy/${file}`, import.meta.url), 'utf8');

type Rules = {
  readonly groups: readonly { readonly rules: readonly { readonly alert: string; readonly expr: string }[] }[];
};
type Dashboard = {
  readonly panels: readonly { readonly title: string; readonly targets: readonly { readonly expr: string }[] }[];
};

const rules = (parse(read('prometheus/alerts.yaml')) as Rules).groups.flatMap((group) => group.rules);
const dashboard = JSON.parse(read('grafana/dashboard.json')) as Dashboard;
const queries = [
  ...rules.map(({ alert, expr }) => ({ place: `the alert ${alert}`, expr })),
  ...dashboard.panels.flatMap(({ title, targets }) =>
    targets.map(({ expr }) => ({ place: `the panel ${title}`, expr })),
  ),
];

/** Prometheus itself makes them. */
const ownMetrics = ['up'];
const ownLabels = ['job', 'instance', 'le'];

/** The metrics of an expression, each with the labels that are selected. A string in quotes is no metric. */
function metricsOf(expr: string): { name: string; labels: string[] }[] {
  const found = [...expr.matchAll(/\b((?:paystream|nodejs|process)_\w+|up)\b\s*(?:\{([^}]*)\})?/g)];
  return found.map(([, name = '', matchers = '']) => ({
    name,
    labels: [...matchers.matchAll(/(\w+)\s*[=!]~?\s*"/g)].map(([, label = '']) => label),
  }));
}

/** The labels that an expression groups by. */
function groupedBy(expr: string): string[] {
  return [...expr.matchAll(/\bby\s*\(([^)]*)\)/g)].flatMap(([, names = '']) =>
    names.split(',').map((name) => name.trim()),
  );
}

describe('the metrics of a real scrape', () => {
  let app: TestApp;
  let samples: readonly Sample[] = [];
  beforeAll(async () => {
    app = await startTestApp({ config: { telemetry: { tracing: null, metrics: { host: '127.0.0.1', port: 0 } } } });
    const order = await createOrder(app);
    const subscriber = followOrder(app, order.id, order.eventCursor);
    const payment = await payOrder(app, order.id);
    await confirmCard(app, payment);
    await untilCallbacksCame(app);
    await subscriber.until(({ type }) => type === 'ORDER_CONFIRMED');
    // What a healthy server does not do.
    note({ kind: 'shed', reason: 'overloaded' });
    note({ kind: 'failed round', round: 'pruning' });
    const response = await fetch(app.app.metricsUrl ?? '');
    samples = samplesIn(await response.text());
    await subscriber.stop();
  });
  afterAll(() => app.close());

  test.each(queries)('has every metric and label of $place', ({ expr }) => {
    const metrics = metricsOf(expr);
    expect(metrics.length).toBeGreaterThan(0);
    const labelsOf = (name: string) =>
      new Set(samples.filter((sample) => sample.name === name).flatMap((sample) => Object.keys(sample.labels)));
    const names = new Set(samples.map(({ name }) => name));
    const missing = metrics.filter(({ name }) => !ownMetrics.includes(name) && !names.has(name));
    expect(missing).toEqual([]);
    for (const { name, labels } of metrics) {
      const known = [...labelsOf(name), ...ownLabels];
      expect(labels.filter((label) => !known.includes(label))).toEqual([]);
      expect(groupedBy(expr).filter((label) => !known.includes(label))).toEqual([]);
    }
  });

  test('each of our metrics is on the dashboard or in an alert', () => {
    const base = (name: string) => name.replace(/_(bucket|sum|count)$/, '');
    const used = new Set(queries.flatMap(({ expr }) => metricsOf(expr).map(({ name }) => base(name))));
    const ours = new Set(samples.map(({ name }) => base(name)).filter((name) => name.startsWith('paystream_')));
    const unused = [...ours].filter((name) => !used.has(name));
    // For those who look closer.
    expect(unused).toEqual(['paystream_batch_duration_seconds', 'paystream_lost_spans_total', 'paystream_topics']);
  });
});

test('the checker finds a metric and a label that do not exist', () => {
  expect(metricsOf('sum(rate(paystream_shed_total{reason="overloaded", kind=~"a|b"}[5m])) / up')).toEqual([
    { name: 'paystream_shed_total', labels: ['reason', 'kind'] },
    { name: 'up', labels: [] },
  ]);
  expect(groupedBy('sum by (le, pool) (a)')).toEqual(['le', 'pool']);
});

test('every alert says what has happened and what to do', () => {
  const told = (parse(read('prometheus/alerts.yaml')) as Rules).groups[0]?.rules as unknown as readonly {
    readonly labels: { readonly severity: string };
    readonly annotations: { readonly summary: string; readonly action: string };
  }[];
  expect(told.length).toBeGreaterThan(8);
  for (const { labels, annotations } of told) {
    expect(['page', 'ticket']).toContain(labels.severity);
    expect(annotations.summary).toMatch(/\.$/);
    expect(annotations.action).toMatch(/\.$/);
  }
});
