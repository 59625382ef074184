import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, writeFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { expect, inject, onTestFinished, test } from 'vitest';
import { readConfig } from '../../src/config.ts';
import { parseAddress } from '../../src/database/address.ts';
import { OverloadedError, openDatabase } from '../../src/database/database.ts';
import { createTestDatabaseUrl } from '../support/database.ts';

const { server } = inject('testRun');

test.each<[databaseUrl: string, address: object]>([
  ['postgresql://', {}],
  ['postgres://db', { host: 'db' }],
  ['postgresql:///paystream', { database: 'paystream' }],
  ['postgresql://shop@db:6432/paystream', { user: 'shop', host: 'db', port: 6432, database: 'paystream' }],
  ['postgresql://shop:s3cret@db/paystream?', { user: 'shop', password: 's3cret', host: 'db', database: 'paystream' }],
  [
    'postgresql:///paystream?host=/var/run/postgresql',
    { host: '/var/run/postgresql', database: 'paystream', ssl: false },
  ],
  [
    'postgresql://shop:s3cret@/paystream?host=/cloudsql/shop:europe-west3:main',
    { user: 'shop', password: 's3cret', host: '/cloudsql/shop:europe-west3:main', database: 'paystream', ssl: false },
  ],
  [
    'postgresql://shop@localhost/paystream?host=/cloudsql/a:b:c&sslmode=require',
    { user: 'shop', host: '/cloudsql/a:b:c', database: 'paystream', ssl: false },
  ],
  [
    'postgresql://shop@%2Fvar%2Frun%2Fpostgresql:5433/paystream',
    { user: 'shop', host: '/var/run/postgresql', port: 5433, database: 'paystream', ssl: false },
  ],
  [
    'postgresql:///?host=db&port=6432&user=shop&password=a%26b&dbname=paystream',
    { host: 'db', port: 6432, user: 'shop', password: 'a&b', database: 'paystream' },
  ],
  ['postgresql://shop:%40%3A%2F%3F%23%25%20@db/a', { user: 'shop', password: '@:/?#% ', host: 'db', database: 'a' }],
  ['postgresql://shop:a:b#c?d@db/a', { user: 'shop', password: 'a:b#c?d', host: 'db', database: 'a' }],
  ['postgresql://sh%40op@db/caf%C3%A9', { user: 'sh@op', host: 'db', database: 'café' }],
  ['postgresql://shop@[2001:db8::1]:5433/a', { user: 'shop', host: '2001:db8::1', port: 5433, database: 'a' }],
  ['postgresql://[::1]/a', { host: '::1', database: 'a' }],
  [
    'postgresql://db/a?options=-c%20work_mem%3D5MB&application_name=shop',
    { host: 'db', database: 'a', options: '-c work_mem=5MB', application_name: 'shop' },
  ],
  ['postgresql://db/a?connect_timeout=10&keepalives=1&target_session_attrs=read-write', { host: 'db', database: 'a' }],
  ['postgresql://db/a?sslmode=disable', { host: 'db', database: 'a', ssl: false }],
  [
    'postgresql://db/a?sslmode=require',
    { host: 'db', database: 'a', ssl: { rejectUnauthorized: false }, enableChannelBinding: false },
  ],
  ['postgresql://db/a?sslmode=verify-full', { host: 'db', database: 'a', ssl: {}, enableChannelBinding: false }],
  ['postgresql://db/a?ssl=true', { host: 'db', database: 'a', ssl: {}, enableChannelBinding: false }],
  [
    'postgresql://db/a?sslmode=require&channel_binding=require&sslnegotiation=direct',
    {
      host: 'db',
      database: 'a',
      ssl: { rejectUnauthorized: false },
      enableChannelBinding: true,
      sslnegotiation: 'direct',
    },
  ],
])('an address is parsed as psql does: %s', (databaseUrl, address) => {
  expect(parseAddress(databaseUrl)).toEqual(address);
  expect(readConfig({ DATABASE_URL: databaseUrl }).databaseUrl).toBe(databaseUrl);
});

test('certificates are read from their files and verify the server', () => {
  const file = join(mkdtempSync(join(tmpdir(), 'paystream-ca-')), 'ca.pem');
  writeFileSync(file, 'a certificate');
  const of = (query: string) => parseAddress(`postgresql://db/a?${query}`).ssl;
  expect(of(`sslmode=verify-full&sslrootcert=${file}`)).toEqual({ ca: 'a certificate' });
  expect(of(`sslrootcert=${file}`)).toEqual({ ca: 'a certificate' });
  for (const mode of ['verify-ca', 'require']) {
    const ssl = of(`sslmode=${mode}&sslrootcert=${file}`);
    expect(ssl).toEqual({ ca: 'a certificate', checkServerIdentity: expect.any(Function) }); // by any name
  }
  expect(of(`sslmode=require&sslcert=${file}&sslkey=${file}`)).toMatchObject({
    cert: 'a certificate',
    key: 'a certificate',
  });
});

test.each<[databaseUrl: string, reason: RegExp]>([
  ['postgresql//s3cret', /is not a PostgreSQL URL, such as/],
  ['mysql://root:s3cret@db/a', /is not a PostgreSQL URL, such as/],
  ['postgresql://root:pa/s3cret@db/a', /percent-encoded: @ as %40/],
  ['postgresql://root:12/s3cret@db/a', /percent-encoded: @ as %40/],
  ['postgresql://root:pa@s3cret@db/a', /percent-encoded: @ as %40/],
  ['postgresql://root:s3cret%@db/a', /a % that does not stand before/],
  ['postgresql://root:s3cret%ff@db/a', /a % that does not stand before/],
  ['postgresql://root:s3c[ret/@db/a', /percent-encoded/],
  ['postgresql://root@db:s3cret/a', /its port is not one/],
  ['postgresql://db:0/a', /its port is not one/],
  ['postgresql://db:65536/a', /its port is not one/],
  ['postgresql://[::1/a', /its host is not one/],
  ['postgresql://a b/c', /its host is neither/],
  ['postgresql://one,two/a', /several hosts/],
  ['postgresql://db/a?password=b&s3cret', /a parameter that is none of host, port/],
  ['postgresql://db/a?password=b&s3cret=c', /a parameter that is none of host, port/],
  ['postgresql://db/a?connection_limit=1', /the parameter connection_limit, which is not supported/],
  ['postgresql://db/a?schema=shop', /the parameter schema, which is not supported/],
  ['postgresql://db/a?sslmode=prefer', /an sslmode that is none of disable, require/],
  ['postgresql://db/a?sslmode=s3cret', /an sslmode that is none of disable, require/],
  ['postgresql://db/a?sslmode=verify-ca', /needs sslrootcert/],
  [
    'postgresql://db/a?sslmode=verify-full&sslrootcert=/nowhere/s3cret.pem',
    /sslrootcert that names a file that cannot be read: ENOENT/,
  ],
  ['postgresql://db/a?sslcert=package.json', /both sslcert and sslkey/],
  ['postgresql://db/a?sslnegotiation=direct', /needs sslmode=require/],
])('an unusable address is refused with the reason and without any part of it: %s', (databaseUrl, reason) => {
  const complaint = (() => {
    try {
      readConfig({ DATABASE_URL: databaseUrl, PORT: 'x' });
      return '';
    } catch (error) {
      return error instanceof Error ? error.message : '';
    }
  })();
  expect(complaint).toMatch(reason);
  expect(complaint).toContain('PORT');
  expect(complaint).not.toContain('s3cret');
});

/** A host name that does not exist. */
test.each<[databaseUrl: string, named: string]>([
  ['postgresql://root:s3cret@/a?host=/nowhere', 'root@/nowhere:5432/a: connect ENOENT /nowhere/.s.PGSQL.5432'],
  ['postgresql://root:s3cret@127.0.0.1:1/a', 'root@127.0.0.1:1/a: connect ECONNREFUSED 127.0.0.1:1'],
  ['postgresql://root:s3%2Fcret@[::1]:1/a', 'root@::1:1/a: connect E'],
])('an unreachable server is named without the password: %s', async (databaseUrl, named) => {
  const error: unknown = await openDatabase({ databaseUrl, dataDir: tmpdir() }).catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ message: expect.stringContaining(named) });
  expect(JSON.stringify(error, Object.getOwnPropertyNames(error))).not.toMatch(/s3(cret|\/|%)/);
});

async function databaseName(): Promise<string> {
  return new URL((await createTestDatabaseUrl()) ?? '').pathname.slice(1);
}

/** The socket directory of the test server, one of possibly several on this machine. */
const [socketDir, socketPort] = await (async () => {
  if (server === null) return ['', ''];
  const client = new pg.Client({ connectionString: server.adminUrl });
  await client.connect();
  const sql = `select current_setting('unix_socket_directories') as dirs, current_setting('port') as port`;
  const { rows } = await client.query<{ dirs: string; port: string }>(sql);
  await client.end();
  return [rows[0]?.dirs.split(',')[0]?.trim() ?? '', rows[0]?.port ?? ''];
})();
const isUsual = socketDir === '/var/run/postgresql' && socketPort === '5432';
test.runIf(server !== null && existsSync(`${socketDir}/.s.PGSQL.${socketPort}`))(
  'a server is reached by its socket, however the socket is named',
  async () => {
    const { username } = new URL(server?.adminUrl ?? '');
    const name = await databaseName();
    const dir = encodeURIComponent(socketDir);
    for (const databaseUrl of [
      `postgresql://${username}@/${name}?host=${socketDir}&port=${socketPort}`,
      `postgresql://${username}@${dir}:${socketPort}/${name}`,
      ...(isUsual ? [`postgresql://${username}@/${name}`] : []),
      `postgresql:///?dbname=${name}&user=${username}&host=${dir}&port=${socketPort}&sslmode=require`,
    ]) {
      const database = await openDatabase({ databaseUrl, dataDir: tmpdir() });
      const { rows } = await database.pool.query('SELECT inet_server_addr() AS address, current_database() AS name');
      expect(rows).toEqual([{ address: null, name }]);
      await database.close();
    }
  },
);

const pgbouncer = [
  '/usr/sbin/pgbouncer',
  '/usr/bin/pgbouncer',
  '/usr/local/bin/pgbouncer',
  '/opt/homebrew/bin/pgbouncer',
].find((path) => existsSync(path));

/** Starts a pooler in front of the test server. Returns a URL of the database through it. */
async function startPooler(
  name: string,
  mode: 'session' | 'transaction' | 'statement',
  connections = 20,
): Promise<string> {
  const { hostname, port, username, password } = new URL(server?.adminUrl ?? '');
  const holder = createServer().listen(0, '127.0.0.1');
  await once(holder, 'listening');
  const { port: ownPort } = holder.address() as AddressInfo;
  holder.close();
  await once(holder, 'close');
  const dir = mkdtempSync(join(tmpdir(), 'paystream-pooler-'));
  writeFileSync(join(dir, 'users.txt'), `"${username}" "${password}"\n`, { mode: 0o644 });
  const settings = `
    [databases]
    * = host=${hostname} port=${port || 5432}
    [pgbouncer]
    listen_addr = 127.0.0.1
    listen_port = ${ownPort}
    unix_socket_dir =
    auth_type = trust
    auth_file = ${join(dir, 'users.txt')}
    default_pool_size = ${connections}
    pool_mode = ${mode}`;
  writeFileSync(join(dir, 'pgbouncer.ini'), settings.replaceAll(/^ +/gm, ''), { mode: 0o644 });
  // PgBouncer refuses to run as root.
  const args = [...(process.getuid?.() === 0 ? ['-u', 'nobody'] : []), join(dir, 'pgbouncer.ini')];
  const child = spawn(pgbouncer ?? '', ['-q', ...args], { stdio: 'ignore' });
  onTestFinished(() => void child.kill('SIGKILL'));
  await expect.poll(() => listens(ownPort), { timeout: 30_000 }).toBe(true);
  return `postgresql://${username}@127.0.0.1:${ownPort}/${name}`;
}

function listens(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}

// Skipped on PGlite, and where PgBouncer is not installed.
const onPooler = test.runIf(server !== null && pgbouncer !== undefined);

onPooler('through a pooler of sessions it works, in UTC and with its time limits', async () => {
  const databaseUrl = await startPooler(await databaseName(), 'session');
  const database = await openDatabase({ databaseUrl, dataDir: tmpdir() });
  const { rows } = await database.pool.query(
    `SELECT current_setting('TimeZone') AS zone, current_setting('lock_timeout') AS lock,
       current_setting('statement_timeout') AS statement`,
  );
  expect(rows).toEqual([{ zone: 'UTC', lock: '10s', statement: '15s' }]);
  const createdAt = new Date('2026-01-01T00:00:00Z');
  await database.prisma.merchant.create({ data: { id: 'mch_1', name: 'Tea', createdAt, returnOrigins: [] } });
  expect(await database.prisma.merchant.findFirst()).toMatchObject({ createdAt });
  await database.close();
});

onPooler.each<['transaction' | 'statement', RegExp]>([
  ['transaction', /Let it pool sessions .+pool_mode = session/],
  ['statement', /^Cannot use the PostgreSQL database at .+statement/],
])('a pooler of %ss is refused with the reason', async (mode, reason) => {
  const databaseUrl = await startPooler(await databaseName(), mode);
  await expect(openDatabase({ databaseUrl, dataDir: tmpdir() })).rejects.toThrow(reason);
});

onPooler('a pooler that has no connection left is waited for no longer than a server is', async () => {
  const databaseUrl = await startPooler(await databaseName(), 'session', 3);
  const database = await openDatabase({ databaseUrl, dataDir: tmpdir() });
  const held = await Promise.all([1, 2, 3].map(() => database.pool.connect()));
  await expect(database.pool.query('SELECT 1')).rejects.toBeInstanceOf(OverloadedError);
  for (const client of held) client.release();
  expect((await database.pool.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }]);
  await database.close();
});
