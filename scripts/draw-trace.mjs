// Writes docs/images/trace.svg: runs one card payment against a server of its own, collects its spans over OTLP, and draws the trace of payOrder
// with the callback in it. node scripts/draw-trace.mjs
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { json } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const dataDir = mkdtempSync(join(tmpdir(), 'paystream-trace-'));
const spans = [];
const collector = createServer(async (request, response) => {
  const { resourceSpans } = await json(request);
  spans.push(...resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap((scope) => scope.spans)));
  response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
}).listen(0, '127.0.0.1');
await once(collector, 'listening');

const { DATABASE_URL, PATH, HOME } = process.env;
const server = spawn(process.execPath, ['scripts/start.mjs'], {
  cwd: root,
  env: {
    ...{ PATH, HOME, PORT: '0', SANDBOX_PORT: '0', DATA_DIR: dataDir, ...(DATABASE_URL && { DATABASE_URL }) },
    OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${collector.address().port}`,
  },
  stdio: ['ignore', 'pipe', 'inherit'],
});
let [url, token] = ['', ''];
for await (const line of createInterface({ input: server.stdout })) {
  url = /^GraphiQL\s+(\S+)/.exec(line)?.[1] ?? url;
  token = /Bearer (\S+)/.exec(line)?.[1] ?? token;
  if (token !== '') break;
}

async function ask(query, variables) {
  const headers = { 'content-type': 'application/json', authorization: `Bearer ${token}` };
  const response = await fetch(url, { method: 'POST', headers, body: JSON.stringify({ query, variables }) });
  const { data, errors } = await response.json();
  if (errors) throw new Error(JSON.stringify(errors));
  return data;
}

const buy = async () => {
  const lines = [{ name: 'Cup', quantity: 1, unitAmountMinor: 500 }];
  const { createOrder: order } = await ask(
    'mutation($input: CreateOrderInput!) { createOrder(input: $input) { ... on Order { id } } }',
    {
      input: { idempotencyKey: randomUUID(), currency: 'EUR', lines },
    },
  );
  const { payOrder: payment } = await ask(
    'mutation($input: PayOrderInput!) { payOrder(input: $input) { ... on Payment { id nextAction { ... on RedirectAction { url } } } } }',
    {
      input: {
        idempotencyKey: randomUUID(),
        orderId: order.id,
        method: 'CARD',
        flow: 'REDIRECT',
        returnUrl: 'http://127.0.0.1/',
      },
    },
  );
  await fetch(payment.nextAction.url, {
    method: 'POST',
    redirect: 'manual',
    body: new URLSearchParams({ action: 'pay', card: '4242424242424242' }),
  });
  let isPaid = false;
  while (!isPaid) {
    await delay(100);
    const { order: now } = await ask('query($id: ID!) { order(id: $id) { paymentStatus } }', { id: order.id });
    isPaid = now.paymentStatus === 'PAID';
  }
  return payment.id;
};
await buy(); // the first one loads what the second one has
const paymentId = await buy();
server.kill('SIGTERM');
await once(server, 'exit');
collector.close();
rmSync(dataDir, { recursive: true, force: true });

const attribute = (span, name) => span.attributes.find(({ key }) => key === name)?.value.stringValue;
const call = spans.find(
  (span) => span.name === 'provider call STRIPE startPayment' && attribute(span, 'paymentId') === paymentId,
);
const trace = spans.filter(({ traceId }) => traceId === call.traceId);
const linked = trace
  .flatMap(({ links = [] }) => links.map(({ traceId }) => traceId))
  .filter((id) => id !== call.traceId);
console.log(`${trace.length} spans in the trace, linked with ${new Set(linked).size} others`);

/** Depth first, in the order of time. */
function ordered(parentId, depth) {
  const children = trace.filter(({ parentSpanId = '' }) => parentSpanId === parentId);
  return children
    .sort((a, b) => Number(BigInt(a.startTimeUnixNano) - BigInt(b.startTimeUnixNano)))
    .flatMap((span) => [{ span, depth }, ...ordered(span.spanId, depth + 1)]);
}
const rows = ordered('', 0);
const begin = BigInt(rows[0].span.startTimeUnixNano);
const msOf = (nanos) => Number(BigInt(nanos) - begin) / 1e6;
const endMs = Math.max(...rows.map(({ span }) => msOf(span.endTimeUnixNano)));
const [left, width, height, top] = [380, 700, 20, 46];
const colors = {
  request: '#475569',
  operation: '#2563eb',
  command: '#7c3aed',
  batch: '#b45309',
  provider: '#047857',
  callback: '#be185d',
  statement: '#94a3b8',
};
const kindOf = (name) => {
  const [first] = name.split(' ');
  return first === 'POST' ? 'request' : first in colors ? first : 'statement';
};
const escaped = (text) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
const drawn = rows.map(({ span, depth }, index) => {
  const [from, to] = [msOf(span.startTimeUnixNano), msOf(span.endTimeUnixNano)];
  const [x, w, y] = [left + (from / endMs) * width, Math.max(1.5, ((to - from) / endMs) * width), top + index * height];
  const outcome = attribute(span, 'paystream.outcome');
  const name = `${span.name}${outcome && outcome !== 'done' ? ` → ${outcome}` : ''}`;
  const time = `${(to - from).toFixed(1)} ms`;
  const isLate = x + w + 60 > left + width;
  return `<text x="${8 + depth * 14}" y="${y + 14}">${escaped(name)}</text><rect x="${x.toFixed(1)}" y="${y + 4}" width="${w.toFixed(1)}" height="12" rx="2" fill="${colors[kindOf(span.name)]}"/><text class="t" x="${(isLate ? x - 4 : x + w + 4).toFixed(1)}" y="${y + 14}"${isLate ? ' text-anchor="end"' : ''}>${time}</text>`;
});
const ticks = Array.from({ length: 6 }, (_, index) => {
  const x = left + (index / 5) * width;
  return `<line x1="${x}" x2="${x}" y1="${top - 6}" y2="${top + rows.length * height}" stroke="#e2e8f0"/><text class="t" x="${x}" y="${top - 10}" text-anchor="middle">${((index / 5) * endMs).toFixed(0)} ms</text>`;
});
const [w, h] = [left + width + 40, top + rows.length * height + 12];
writeFileSync(
  join(root, 'docs/images/trace.svg'),
  `<svg xmlns="http://www.w3.org/2000/svg" width="${w}" height="${h}" viewBox="0 0 ${w} ${h}" font-family="system-ui, sans-serif" font-size="11.5" fill="#0f172a">
<title>The trace of one payOrder, with its callback</title><style>.t { fill: #475569; font-size: 10.5px }</style><rect width="${w}" height="${h}" fill="#fff"/>
<text x="8" y="20" font-weight="600">The trace of one payOrder, with its callback</text>
${[...ticks, ...drawn].join('\n')}
</svg>
`,
);
