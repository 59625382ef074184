// The steps of compose.yaml one by one, without Docker, on a fresh clone: installs as the Dockerfile does, starts PostgreSQL, Redis, two nodes and
// nginx with TLS (nginx.conf with other addresses), takes payments with the sandbox as provider, kills a node in the middle, and shows that
// nothing is lost or charged twice. Then it loses the database, restores a backup as docs/operating.md says, and shows what is left
// (rehearse-restore.mjs). Ends everything that it has started.
//
//   node deploy/rehearse.mjs            # needs Node, npm, git, openssl, PostgreSQL, Redis and nginx; ports are chosen
//   node deploy/rehearse.mjs --here     # the folder as it is installed already, in place of a clone
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import {
  appendFileSync,
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { request as httpsRequest } from 'node:https';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { rehearseRestore } from './rehearse-restore.mjs';

const project = dirname(fileURLToPath(new URL('.', import.meta.url)));
const megabytesMax = 250;
const ordersCount = 40;
/** How many orders are under way at the same time. */
const buyersCount = 6;
const startMsMax = 120_000;
const paidMsMax = 120_000;
const eventsMsMax = 60_000;

const work = mkdtempSync(join(tmpdir(), 'paystream-rehearsal-'));
chmodSync(work, 0o755); // PostgreSQL runs as a user of its own
const children = [];
const say = (line) => console.log(`· ${line}`);
const run = (command, args, options = {}) =>
  execFileSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'], ...options });

function start(name, command, args, options = {}) {
  // In a group of its own, to end it with all that it starts.
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], detached: true, ...options });
  const log = join(work, `${name}.log`);
  appendFileSync(log, '');
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => appendFileSync(log, chunk));
  const started = { name, child, log, ended: once(child, 'exit') };
  children.push(started);
  return started;
}

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}

/** Tries until it answers. @throws {Error} with the end of the log when it does not. */
async function until(what, isDone, { log = null, withinMs = startMsMax } = {}) {
  const deadline = performance.now() + withinMs;
  for (;;) {
    if (
      await Promise.resolve()
        .then(isDone)
        .catch(() => false)
    )
      return;
    if (performance.now() > deadline) {
      const tail = log !== null && existsSync(log) ? readFileSync(log, 'utf8').slice(-2000) : '';
      throw new Error(`${what}: not within ${withinMs / 1000} s.\n${tail}`);
    }
    await delay(200);
  }
}

/** 1. The image: a clone, installed without development dependencies. */
function install() {
  if (process.argv.includes('--here')) return project;
  const app = join(work, 'app');
  run('git', ['clone', '--quiet', '--no-hardlinks', project, app]);
  run('npm', ['ci', '--omit=dev'], { cwd: app, stdio: ['ignore', 'ignore', 'inherit'] });
  const megabytes = Number(run('du', ['-sm', app]).split('\t')[0]);
  say(`npm ci --omit=dev: the folder has ${megabytes} MB, with its git history`);
  if (megabytes > megabytesMax) throw new Error(`The folder has more than ${megabytesMax} MB.`);
  return app;
}

/** 2. PostgreSQL, in a cluster of its own. It refuses to run as root. */
async function startPostgres() {
  const bin = findPostgres();
  const isRoot = process.getuid?.() === 0;
  const as = (name, ...args) =>
    isRoot ? ['runuser', ['-u', 'postgres', '--', join(bin, name), ...args]] : [join(bin, name), args];
  const dir = join(work, 'postgres');
  mkdirSync(dir);
  if (isRoot) chownSync(dir, Number(run('id', ['-u', 'postgres'])), Number(run('id', ['-g', 'postgres'])));
  const dataDir = join(dir, 'data');
  run(...as('initdb', '-D', dataDir, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8'), { cwd: '/' });
  const port = await freePort();
  const settings = [`port=${port}`, 'listen_addresses=127.0.0.1', 'unix_socket_directories='];
  const url = `postgresql://postgres@127.0.0.1:${port}/postgres`;
  const isReady = () => spawnSync(join(bin, 'pg_isready'), ['-q', '-d', url]).status === 0;
  let server = null;
  const postgres = {
    url,
    async start() {
      server = start('postgres', ...as('postgres', '-D', dataDir, ...settings.flatMap((each) => ['-c', each])), {
        cwd: '/',
      });
      await until('PostgreSQL', isReady, { log: server.log });
    },
    /** Runs a client program of PostgreSQL. */
    run: (name, ...args) => run(...as(name, ...args), { cwd: '/' }),
    /** Copies the running server into a folder, from which it can be started. */
    backup: () =>
      postgres.run('pg_basebackup', '-d', url, '-D', join(dir, 'backup'), '--checkpoint=fast', '--wal-method=stream'),
    /** The end of the machine, and of its disk. */
    async lose() {
      await end(server, 'SIGKILL');
      await until('the end of PostgreSQL', () => !isReady());
      rmSync(dataDir, { recursive: true, maxRetries: 5 });
    },
    async restore() {
      renameSync(join(dir, 'backup'), dataDir);
      await postgres.start();
    },
  };
  await postgres.start();
  say(`PostgreSQL ${run(join(bin, 'postgres'), ['--version']).trim().replace(/^\D*/, '')}`);
  return postgres;
}

function findPostgres() {
  const root = '/usr/lib/postgresql';
  const versions = existsSync(root) ? readdirSync(root).sort((a, b) => Number(b) - Number(a)) : [];
  for (const version of versions) if (existsSync(join(root, version, 'bin/initdb'))) return join(root, version, 'bin');
  return dirname(run('sh', ['-c', 'readlink -f "$(command -v initdb)"']).trim());
}

async function startRedis() {
  const port = await freePort();
  const { log } = start('redis', 'redis-server', [
    '--bind',
    '127.0.0.1',
    '--port',
    String(port),
    '--save',
    '',
    '--appendonly',
    'no',
    '--dir',
    work,
  ]);
  await until('Redis', () => readFileSync(log, 'utf8').includes('Ready to accept connections'), { log });
  say('Redis');
  return `redis://127.0.0.1:${port}`;
}

/** 3. The proxy: deploy/nginx.conf, with the addresses of the nodes and of the secrets of this run. */
async function startProxy(app, secrets, nodes) {
  const [port, plainPort] = [await freePort(), await freePort()];
  const dir = join(work, 'nginx');
  mkdirSync(dir);
  const own = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    .map((name) => `${name}_temp_path ${dir}/${name};`)
    .join(' ');
  const replaced = [
    ['node-1:4000', `127.0.0.1:${nodes[0].port}`],
    ['node-2:4000', `127.0.0.1:${nodes[1].port}`],
    ['/run/secrets', secrets],
    ['listen 80;', `listen 127.0.0.1:${plainPort};`],
    ['listen 443 ssl;', `listen 127.0.0.1:${port} ssl;`],
    ['http {', `http { ${own}`],
    ['worker_connections 16384', 'worker_connections 512'],
  ];
  const conf = replaced.reduce(
    (left, [from, to]) => {
      if (!left.includes(from)) throw new Error(`deploy/nginx.conf has no ${from}`);
      return left.replaceAll(from, to);
    },
    readFileSync(join(app, 'deploy/nginx.conf'), 'utf8'),
  );
  writeFileSync(join(dir, 'nginx.conf'), `daemon off; pid ${dir}/pid; error_log stderr error;\n${conf}`);
  const { log } = start('nginx', 'nginx', ['-c', join(dir, 'nginx.conf'), '-e', 'stderr']);
  const url = `https://localhost:${port}`;
  const ca = readFileSync(join(secrets, 'tls-certificate'));
  await until('nginx', async () => (await send(url, ca, '/readyz', null)).status === 200, { log });
  say(`nginx with TLS at ${url}, before two nodes`);
  return { url, ca };
}

/** A request over TLS with the certificate of this run. */
function send(url, ca, path, token, body = null) {
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/json', ...(token !== null && { authorization: `Bearer ${token}` }) };
    const request = httpsRequest(
      new URL(path, url),
      { method: body === null ? 'GET' : 'POST', headers, ca, timeout: 60_000 },
      (response) => text(response).then((answer) => resolve({ status: response.statusCode, text: answer }), reject),
    );
    request.on('timeout', () => request.destroy(new Error('No answer in time.')));
    request.on('error', reject);
    request.end(body === null ? undefined : JSON.stringify(body));
  });
}

/** Repeats an operation until it is answered, as a client does: mutations have an idempotency key. */
async function ask({ url, ca }, token, query, variables) {
  for (let attempt = 1; ; attempt += 1) {
    const answer = await send(url, ca, '/graphql', token, { query, variables }).catch((error) => ({
      status: 0,
      text: String(error),
    }));
    const parsed = answer.status === 200 ? JSON.parse(answer.text) : null;
    if (parsed !== null && parsed.errors === undefined) return { data: parsed.data, attempts: attempt };
    if (attempt === 50) throw new Error(`An operation had no answer: ${answer.status} ${answer.text.slice(0, 300)}`);
    await delay(200);
  }
}

/** Follows the events of the merchant after a cursor over SSE, until as many have come as are wanted. Returns their ids. */
function follow({ url, ca }, token, after, wanted) {
  const headers = {
    ...{ 'content-type': 'application/json', accept: 'text/event-stream', authorization: `Bearer ${token}` },
  };
  const ids = [];
  let timer;
  return new Promise((resolve, reject) => {
    const request = httpsRequest(new URL('/graphql', url), { method: 'POST', headers, ca }, (response) => {
      let rest = '';
      response.setEncoding('utf8').on('data', (piece) => {
        const blocks = (rest + piece).split('\n\n');
        rest = blocks.pop();
        for (const block of blocks.filter((each) => each.includes('event: next'))) {
          const { data, errors } = JSON.parse(/^data: (.*)$/m.exec(block)[1]);
          if (errors !== undefined) return reject(new Error(`The subscription failed: ${JSON.stringify(errors)}`));
          ids.push(data.merchantEvents.id);
        }
        if (ids.length < wanted) return;
        resolve(ids);
        request.destroy();
      });
      response.on('error', reject);
    });
    request.on('error', reject);
    const tooLate = () => request.destroy(new Error(`Only ${ids.length} of ${wanted} events came.`));
    timer = setTimeout(tooLate, eventsMsMax);
    const query = 'subscription($after: EventCursor) { merchantEvents(after: $after) { id } }';
    request.end(JSON.stringify({ query, variables: { after } }));
  }).finally(() => clearTimeout(timer));
}

const create = `mutation($input: CreateOrderInput!) { createOrder(input: $input) { __typename ... on Order { id } ... on Error { code message } } }`;
const pay = `mutation($input: PayOrderInput!) { payOrder(input: $input) { __typename ... on Payment { id nextAction { ... on RedirectAction { url } } } ... on Error { code message } } }`;
const read = `query($id: ID!) { order(id: $id) { status paymentStatus captured { amountMinor } payments { id status } } }`;

/** One buyer: an order, and a payment that waits on the sandbox's page. Every mutation is sent twice, as by somebody who presses twice. */
async function begin(shop, token) {
  const [orderKey, payKey] = [randomUUID(), randomUUID()];
  const line = { name: 'Cup', quantity: 1, unitAmountMinor: 500 };
  let attempts = 0;
  const twice = async (query, input) => {
    const [first] = await Promise.all([ask(shop, token, query, { input }), ask(shop, token, query, { input })]);
    attempts += first.attempts;
    return first.data;
  };
  const { createOrder: order } = await twice(create, { idempotencyKey: orderKey, currency: 'EUR', lines: [line] });
  const flow = { method: 'CARD', flow: 'REDIRECT', returnUrl: 'https://shop.example/thanks' };
  // While the first of two is at the provider, the second is answered with the payment as it is. The same key asks again.
  let payment = null;
  const input = { idempotencyKey: payKey, orderId: order.id, ...flow };
  await until(`the page of ${order.id}`, async () => {
    payment = (await twice(pay, input)).payOrder;
    return payment.nextAction != null;
  });
  return { id: order.id, paymentId: payment.id, page: payment.nextAction.url, isRepeated: attempts > 2 };
}

/** The buyer pays on the sandbox's page. */
async function payOn({ page }) {
  const answer = await fetch(page, {
    method: 'POST',
    redirect: 'manual',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: 'action=pay&card=4242424242424242',
  });
  if (answer.status >= 400) throw new Error(`The sandbox's page answered ${answer.status}.`);
}

async function buy(shop, token) {
  const begun = await begin(shop, token);
  await payOn(begun);
  return begun;
}

/** Waits until all orders are paid, and returns them. */
async function untilPaid(shop, token, bought) {
  const states = new Map();
  const isPaid = async ({ id }) => {
    const { order } = (await ask(shop, token, read, { id })).data;
    states.set(id, order);
    return order.status === 'CONFIRMED' && order.paymentStatus === 'PAID';
  };
  await until('all orders are paid', async () => (await Promise.all(bought.map(isPaid))).every(Boolean), {
    withinMs: paidMsMax,
  });
  return [...states.values()];
}

async function main() {
  const app = install();
  const secrets = join(work, 'secrets');
  run('sh', [join(app, 'deploy/secrets.sh'), secrets]);
  const [postgres, redisUrl] = [await startPostgres(), await startRedis()];
  const nodes = [
    { port: await freePort(), metrics: await freePort() },
    { port: await freePort(), metrics: await freePort() },
  ];
  const inherited = { PATH: process.env.PATH, HOME: process.env.HOME };
  const nodeEnvironment = ({ port, metrics }, publicUrl) => ({
    ...inherited,
    ...{ NODE_ENV: 'production', PORT: String(port), HOST: '127.0.0.1', PUBLIC_URL: publicUrl, TRUSTED_PROXIES: '1' },
    ...{ DATABASE_URL: postgres.url, REDIS_URL: redisUrl, MASTER_KEY_FILE: join(secrets, 'master-key') },
    ...{ METRICS_PORT: String(metrics), LOG_LEVEL: 'warn' },
  });
  // The nodes are told the address of the proxy, which is known once it listens; so its port is chosen first.
  const startNode = async (index, publicUrl) => {
    const node = nodes[index];
    const started = start(`node-${index + 1}`, process.execPath, ['scripts/start.mjs'], {
      cwd: app,
      env: nodeEnvironment(node, publicUrl),
    });
    await until(`node ${index + 1}`, async () => (await fetch(`http://127.0.0.1:${node.port}/readyz`)).ok, {
      log: started.log,
    });
    return started;
  };
  let first = await startNode(0, 'https://localhost');
  const second = await startNode(1, 'https://localhost');
  say('two nodes in production mode; the first one has migrated the database');
  const shop = await startProxy(app, secrets, nodes);

  // 4. The merchant, its key, and the sandbox as its provider, as README.md says.
  const environment = { ...nodeEnvironment(nodes[0], shop.url), METRICS_PORT: '', PORT: '0' };
  const paystream = (...args) =>
    run(process.execPath, ['scripts/paystream.mjs', ...args], { cwd: app, env: environment });
  paystream('merchant', 'add', '--name', 'My shop', '--return-origin', 'https://shop.example');
  const [token] = /sk_live_\S+/.exec(paystream('key', 'add', '--name', 'shop server')) ?? [];
  const sandboxPort = await freePort();
  const sandboxEnvironment = {
    ...inherited,
    DATA_DIR: join(work, 'sandbox'),
    SANDBOX_PORT: String(sandboxPort),
    NODE_EXTRA_CA_CERTS: join(secrets, 'tls-certificate'),
  };
  mkdirSync(join(work, 'sandbox'));
  const sandbox = start('sandbox', process.execPath, ['--import', 'tsx', 'scripts/run-sandbox.ts'], {
    cwd: app,
    env: sandboxEnvironment,
  });
  await until('the sandbox', () => readFileSync(sandbox.log, 'utf8').includes('Sandbox'), { log: sandbox.log });
  const account = join(work, 'account.env');
  writeFileSync(
    account,
    run(process.execPath, ['--import', 'tsx', 'scripts/print-sandbox-env.ts', 'stripe'], {
      cwd: app,
      env: sandboxEnvironment,
    }),
    { mode: 0o600 },
  );
  const [accountId] = /pac_\w+/.exec(paystream('provider', 'add', 'stripe', '--file', account, '--allow-test')) ?? [];
  const callbacks = { url: `${shop.url}/webhooks/stripe/${accountId}`, retryDelaysMs: [500, 1000, 2000, 4000, 8000] };
  await fetch(`http://127.0.0.1:${sandboxPort}/control/webhooks`, { method: 'POST', body: JSON.stringify(callbacks) });
  say(`a merchant, a key, and the sandbox's Stripe, whose callbacks come through the proxy`);

  // 5. Payments, and the end of a node in the middle.
  const bought = [];
  let started = 0;
  let isKilled = false;
  const buyer = async () => {
    while (started < ordersCount) {
      started += 1;
      bought.push(await buy(shop, token));
      if (!isKilled && bought.length >= ordersCount / 2) {
        isKilled = true;
        first.child.kill('SIGKILL');
        say(`node 1 is killed after ${bought.length} of ${ordersCount} payments, while others are under way`);
      }
    }
  };
  await Promise.all(Array.from({ length: buyersCount }, buyer));
  const repeated = bought.filter(({ isRepeated }) => isRepeated).length;

  // 6. Nothing is lost and nothing is charged twice, by the API and by the provider's ledger.
  const orders = await untilPaid(shop, token, bought);
  const wrong = orders.filter(
    ({ payments, captured }) => payments.length !== 1 || Number(captured.amountMinor) !== 500,
  );
  if (orders.length !== ordersCount || wrong.length > 0)
    throw new Error(`Wrong orders: ${JSON.stringify(wrong).slice(0, 1000)}`);
  const metrics = await (await fetch(`http://127.0.0.1:${nodes[1].metrics}/metrics`)).text();
  if (!/^paystream_database_up 1$/m.test(metrics))
    throw new Error('The metrics of node 2 do not say that its database is up.');
  say(
    `${orders.length} of ${ordersCount} orders are paid, each by one payment of 5.00; ${repeated} had an operation repeated by the client`,
  );
  first = await startNode(0, 'https://localhost');
  say('node 1 is back');

  // 7. The database is lost, and restored from a backup.
  await rehearseRestore({
    ...{ say, until, postgres, work },
    ask: (query, variables = {}) => ask(shop, token, query, variables).then(({ data }) => data),
    follow: (after, wanted) => follow(shop, token, after, wanted),
    begin: () => begin(shop, token),
    buy: () => buy(shop, token),
    payOn,
    untilPaid: (bought) => untilPaid(shop, token, bought),
    stopNodes: () => Promise.all([first, second].map((node) => end(node))),
    startNode: (number) => startNode(number - 1, 'https://localhost'),
    reconcile: (date, ...nodeArgs) =>
      spawnSync(
        process.execPath,
        [...nodeArgs, 'scripts/reconcile.mjs', '--account', accountId, '--date', date, '--json'],
        { cwd: app, env: environment, encoding: 'utf8' },
      ),
  });
}

/** Ends a process and those that it has started. */
async function end({ child, ended }, signal = 'SIGTERM') {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const send = (signal) => {
    try {
      process.kill(-child.pid, signal);
    } catch {} // its group has ended
  };
  // As an operator ends them. PostgreSQL waits for its clients then, which end before it.
  send(signal);
  if ((await Promise.race([ended, delay(15_000, null, { ref: false })])) === null) send('SIGKILL');
  await ended;
}

let failure = null;
process.on('SIGINT', () => process.exit(130));
process.on('SIGTERM', () => process.exit(143));
process.on('exit', () => {
  for (const { child } of children) {
    try {
      if (child.exitCode === null && child.signalCode === null) process.kill(-child.pid, 'SIGKILL');
    } catch {} // it has ended meanwhile
  }
});
try {
  await main();
} catch (error) {
  failure = error;
  console.error(error instanceof Error ? error.message : error);
  console.error(`The logs are in ${work}.`);
}
for (const started of [...children].reverse()) await end(started);
if (failure === null) {
  rmSync(work, { recursive: true, force: true });
  console.log('Rehearsed: nothing was lost.');
} else process.exitCode = 1;
