// Writes deploy/grafana/dashboard.json: node scripts/make-dashboard.mjs. Change the panels here, or export the dashboard from Grafana in its place.
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const rate = (metric, by, labels = '') => `sum by (${by}) (rate(${metric}${labels}[$__rate_interval]))`;
const quantile = (q, metric, by = '') =>
  `histogram_quantile(${q}, sum by (le${by && `, ${by}`}) (rate(${metric}_bucket[$__rate_interval])))`;

/** Title, unit, and queries with their legends. */
const panels = [
  ['Operations', 'reqps', [[rate('paystream_operation_duration_seconds_count', 'operation'), '{{operation}}']]],
  [
    'Operations that fail',
    'reqps',
    [
      [
        rate('paystream_operation_duration_seconds_count', 'operation, outcome', '{outcome!="done"}'),
        '{{operation}} {{outcome}}',
      ],
    ],
  ],
  [
    'Duration of operations, 95 %',
    's',
    [[quantile(0.95, 'paystream_operation_duration_seconds', 'operation'), '{{operation}}']],
  ],
  ['Commands by outcome', 'reqps', [[rate('paystream_commands_total', 'command, outcome'), '{{command}} {{outcome}}']]],
  [
    'Provider calls',
    'reqps',
    [
      [
        rate('paystream_provider_call_duration_seconds_count', 'provider, call, outcome'),
        '{{provider}} {{call}} {{outcome}}',
      ],
    ],
  ],
  [
    'Duration of provider calls, 95 %',
    's',
    [[quantile(0.95, 'paystream_provider_call_duration_seconds', 'provider'), '{{provider}}']],
  ],
  ['Callbacks', 'reqps', [[rate('paystream_callbacks_total', 'provider, outcome'), '{{provider}} {{outcome}}']]],
  ['Oldest callback that is not applied', 's', [['max(paystream_callback_oldest_pending_seconds)', 'age']]],
  ['Callbacks that wait', 'short', [['max(paystream_callbacks_pending)', 'callbacks']]],
  ['Payments of unknown outcome', 'short', [['max(paystream_payments_unknown)', 'payments']]],
  ['Oldest payment of unknown outcome', 's', [['max(paystream_payment_oldest_unknown_seconds)', 'age']]],
  ['Subscriptions', 'short', [['sum by (instance) (paystream_subscribers)', '{{instance}}']]],
  [
    'Feed lag',
    's',
    [
      [quantile(0.5, 'paystream_feed_lag_seconds'), '50 %'],
      [quantile(0.99, 'paystream_feed_lag_seconds'), '99 %'],
    ],
  ],
  [
    'Orders in one transaction',
    'short',
    [
      [
        'sum(rate(paystream_batch_size_sum{batch="orders"}[$__rate_interval])) / sum(rate(paystream_batch_size_count{batch="orders"}[$__rate_interval]))',
        'mean',
      ],
    ],
  ],
  [
    'Connections in use, and callers that wait',
    'short',
    [
      ['sum by (pool) (paystream_database_connections{state="in_use"})', '{{pool}} in use'],
      ['sum by (pool) (paystream_database_waiting)', '{{pool}} waiting'],
    ],
  ],
  ['Duration of SQL statements, 99 %', 's', [[quantile(0.99, 'paystream_sql_duration_seconds', 'verb'), '{{verb}}']]],
  ['Operations in progress', 'short', [['sum by (state) (paystream_operations)', '{{state}}']]],
  ['Refused to protect the others', 'reqps', [[rate('paystream_shed_total', 'reason'), '{{reason}}']]],
  [
    'HTTP requests by status',
    'reqps',
    [[rate('paystream_http_request_duration_seconds_count', 'route, status'), '{{route}} {{status}}']],
  ],
  ['Event loop delay, 99 %', 's', [['nodejs_eventloop_lag_p99_seconds', '{{instance}}']]],
  ['CPU', 'percentunit', [['rate(process_cpu_seconds_total{job="paystream"}[$__rate_interval])', '{{instance}}']]],
  ['Memory', 'bytes', [['process_resident_memory_bytes{job="paystream"}', '{{instance}}']]],
];

const [width, height, columns] = [8, 7, 3];
// biome-ignore lint/suspicious/noTemplateCurlyInString: Grafana replaces it.
const datasource = { type: 'prometheus', uid: '${datasource}' };
const dashboard = {
  title: 'Paystream',
  uid: 'paystream',
  tags: ['paystream'],
  schemaVersion: 39,
  timezone: 'browser',
  refresh: '30s',
  time: { from: 'now-3h', to: 'now' },
  templating: { list: [{ name: 'datasource', type: 'datasource', query: 'prometheus', label: 'Prometheus' }] },
  panels: panels.map(([title, unit, queries], index) => ({
    id: index + 1,
    type: 'timeseries',
    title,
    datasource,
    gridPos: { x: (index % columns) * width, y: Math.floor(index / columns) * height, w: width, h: height },
    fieldConfig: { defaults: { unit, min: 0, custom: { fillOpacity: 10, showPoints: 'never' } }, overrides: [] },
    options: { legend: { displayMode: 'list', placement: 'bottom' }, tooltip: { mode: 'multi', sort: 'desc' } },
    targets: queries.map(([expr, legendFormat], query) => ({
      refId: String.fromCharCode(65 + query),
      datasource,
      expr,
      legendFormat,
    })),
  })),
};
writeFileSync(
  fileURLToPath(new URL('../deploy/grafana/dashboard.json', import.meta.url)),
  `${JSON.stringify(dashboard, null, 2)}\n`,
);
