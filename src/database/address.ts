import { existsSync, readFileSync } from 'node:fs';
import type { ConnectionOptions } from 'node:tls';
import type { ClientConfig } from 'pg';
import { DatabaseOpenError } from './errors.ts';

/**
 * The connection parameters in a URL. Missing ones come from PGHOST, PGUSER and similar variables, or are the driver's
 * defaults.
 */
export type Address = Pick<ClientConfig, 'host' | 'port' | 'user' | 'password' | 'database' | 'options' | 'ssl'> &
  Pick<ClientConfig, 'application_name' | 'sslnegotiation' | 'enableChannelBinding'>;

const form = 'DATABASE_URL is not a PostgreSQL URL, such as postgresql://user:password@host:5432/database';
const encoding =
  'Reserved characters in a user name or a password must be percent-encoded: @ as %40, : as %3A, / as %2F, ? as %3F, # as %23, % as %25.';

/** The supported connection parameters of psql and other programs. */
const used = [
  ...['host', 'port', 'user', 'password', 'dbname', 'options', 'application_name'],
  ...['sslmode', 'sslrootcert', 'sslcert', 'sslkey', 'sslpassword', 'sslnegotiation', 'ssl', 'channel_binding'],
] as const;
/** Accepted parameters without effect: our own settings cover time-outs, keep-alives, write access and UTF-8. */
const needless: readonly string[] = [
  ...['connect_timeout', 'keepalives', 'keepalives_idle', 'keepalives_interval', 'keepalives_count'],
  ...['tcp_user_timeout', 'target_session_attrs', 'client_encoding', 'fallback_application_name', 'uselibpqcompat'],
];
/**
 * Parameters of other programs that are not supported. Errors name these only; any other name may be part of a
 * password.
 */
const unsupported: readonly string[] = [
  ...['hostaddr', 'passfile', 'service', 'requirepeer', 'gssencmode', 'krbsrvname', 'gsslib', 'replication'],
  ...['sslcrl', 'sslcrldir', 'sslcompression', 'sslsni', 'sslcertmode', 'load_balance_hosts', 'require_auth'],
  ...['schema', 'connection_limit', 'pool_timeout', 'pgbouncer', 'socket_timeout', 'statement_cache_size', 'sslaccept'],
];

/**
 * Parses a URL as psql does: `postgresql://user:password@host:port/database?name=value`, where the host may be a socket
 * directory.
 *
 * @throws {DatabaseOpenError} with a sentence that shows no part of the URL except names of parameters and files.
 */
export function parseAddress(databaseUrl: string): Address {
  const [, rest] = /^postgres(?:ql)?:\/\/(.*)$/s.exec(databaseUrl) ?? [];
  if (rest === undefined) throw new DatabaseOpenError(`${form}.`);
  const { login, place, database, query } = split(rest);
  const params = paramsOf(query);
  const host = decoded(params.get('host') ?? place.host);
  checkHost(host);
  return {
    ...withoutEmpty({
      host,
      user: decoded(params.get('user') ?? login.user),
      password: decoded(params.get('password') ?? login.password),
      database: decoded(params.get('dbname') ?? database),
      options: decoded(params.get('options')?.replaceAll('+', ' ')), // + is a blank; psql itself only accepts %20
      application_name: decoded(params.get('application_name')),
    }),
    ...portOf(params.get('port') ?? place.port),
    ...securityOf(params, host),
  };
}

type Part = string | undefined;

/** Splits the URL as psql does: the user part ends at the first @ before the first slash. */
function split(rest: string) {
  const [, userPart, , afterUser = ''] = /^(([^@/]*)@)?(.*)$/s.exec(rest) ?? [];
  const [, user, password] = /^([^:]*)(?::(.*))?$/s.exec(userPart?.slice(0, -1) ?? '') ?? [];
  const [, placed = '', path = '', query = ''] = /^([^/?]*)(?:\/([^?]*))?(?:\?(.*))?$/s.exec(afterUser) ?? [];
  const [, bracketed, plain, port] = /^(?:\[([^\]]*)\]|([^:[\]]*))(?::(.*))?$/s.exec(placed) ?? [];
  if (bracketed === undefined && plain === undefined)
    throw new DatabaseOpenError(`${form}: its host is not one. ${encoding}`);
  // An unescaped character in the password ended it too early.
  if (/[@/]/.test(path) || placed.includes('@'))
    throw new DatabaseOpenError(`${form}: there is an @ or a / too many. ${encoding}`);
  return { login: { user, password }, place: { host: bracketed ?? plain, port }, database: path, query };
}

function paramsOf(query: string): ReadonlyMap<string, string> {
  const params = new Map<string, string>();
  for (const pair of query.split('&').filter((each) => each !== '')) {
    const [, name = '', value] = /^([^=]*)(?:=(.*))?$/s.exec(pair) ?? [];
    const known = decoded(name) ?? '';
    if (unsupported.includes(known)) {
      throw new DatabaseOpenError(`DATABASE_URL has the parameter ${known}, which is not supported: take it out.`);
    }
    if (value === undefined || !(used as readonly string[]).concat(needless).includes(known)) {
      const names = [...used, ...needless].join(', ');
      throw new DatabaseOpenError(`DATABASE_URL has a parameter that is none of ${names}. ${encoding}`);
    }
    if (value !== '') params.set(known, value);
  }
  return params;
}

function decoded(part: Part): Part {
  if (part === undefined || part === '') return undefined;
  try {
    return decodeURIComponent(part);
  } catch {
    throw new DatabaseOpenError(`DATABASE_URL has a % that does not stand before two hexadecimal digits. ${encoding}`);
  }
}

function checkHost(host: Part): void {
  if (host === undefined) return;
  if (host.includes(',')) throw new DatabaseOpenError('DATABASE_URL names several hosts: name one.');
  if (!/^(\/.*|[\w.:-]+(%[\w.-]+)?)$/s.test(host)) {
    throw new DatabaseOpenError(
      `${form}: its host is neither a name, an address nor the directory of a socket. ${encoding}`,
    );
  }
}

/** The directory of the local socket, which psql uses when no host is given; undefined when no server listens there. */
export function localSocketDir(port: number): string | undefined {
  return ['/var/run/postgresql', '/tmp'].find((dir) => existsSync(`${dir}/.s.PGSQL.${port}`));
}

function portOf(given: Part): { readonly port?: number } {
  const text = decoded(given);
  if (text === undefined) return {};
  const port = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  if (port < 1 || port > 65_535) throw new DatabaseOpenError(`${form}: its port is not one. ${encoding}`);
  return { port };
}

type Security = Pick<Address, 'ssl' | 'sslnegotiation' | 'enableChannelBinding'>;

/**
 * Interprets `sslmode` as psql does: `require` encrypts without verification, `verify-ca` and `verify-full` verify the
 * certificate.
 */
function securityOf(params: ReadonlyMap<string, string>, host: Part): Security {
  if (host?.startsWith('/')) return { ssl: false }; // a local socket is never encrypted, whatever the parameters say
  const mode = decoded(params.get('sslmode')) ?? modeOf(params.get('ssl'));
  const files = filesOf(params);
  if (mode === undefined && Object.keys(files).length > 0)
    return securityOf(new Map([...params, ['sslmode', 'verify-full']]), host);
  const direct = params.get('sslnegotiation') === 'direct';
  if (mode === undefined || mode === 'disable') {
    if (direct) throw new DatabaseOpenError('DATABASE_URL has sslnegotiation=direct, which needs sslmode=require.');
    return mode === undefined ? {} : { ssl: false };
  }
  const ssl = { ...files, ...proofOf(mode, files.ca !== undefined) };
  const binding = decoded(params.get('channel_binding')) ?? 'disable';
  return { ssl, enableChannelBinding: binding !== 'disable', ...(direct && { sslnegotiation: 'direct' as const }) };
}

/** Maps the driver's own parameter `ssl` to an `sslmode`. */
function modeOf(ssl: Part): Part {
  switch (ssl) {
    case undefined:
      return undefined;
    case 'true':
    case '1':
      return 'verify-full';
    case 'false':
    case '0':
      return 'disable';
    default:
      return ssl;
  }
}

function proofOf(mode: string, hasRoot: boolean): ConnectionOptions {
  const anyName: ConnectionOptions = { checkServerIdentity: () => undefined };
  switch (mode) {
    case 'no-verify':
      return { rejectUnauthorized: false };
    case 'require':
      return hasRoot ? anyName : { rejectUnauthorized: false };
    case 'verify-ca':
      if (hasRoot) return anyName;
      throw new DatabaseOpenError('DATABASE_URL has sslmode=verify-ca, which needs sslrootcert; or use verify-full.');
    case 'verify-full':
      return {};
    default:
      throw new DatabaseOpenError(
        'DATABASE_URL has an sslmode that is none of disable, require, verify-ca, verify-full. A connection either is encrypted or is ' +
          'not: prefer and allow are not supported.',
      );
  }
}

function filesOf(params: ReadonlyMap<string, string>): Pick<ConnectionOptions, 'ca' | 'cert' | 'key' | 'passphrase'> {
  const [root, cert, key, passphrase] = ['sslrootcert', 'sslcert', 'sslkey', 'sslpassword'].map((name) =>
    decoded(params.get(name)),
  );
  if ((cert === undefined) !== (key === undefined)) {
    throw new DatabaseOpenError('DATABASE_URL must have both sslcert and sslkey, or none of them.');
  }
  return withoutEmpty({
    // `system` means Node's own list of authorities, which is the default.
    ca: root === 'system' ? undefined : contentOf('sslrootcert', root),
    cert: contentOf('sslcert', cert),
    key: contentOf('sslkey', key),
    passphrase,
  });
}

function contentOf(name: string, path: Part): Part {
  if (path === undefined) return undefined;
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : 'it cannot be read';
    throw new DatabaseOpenError(`DATABASE_URL has an ${name} that names a file that cannot be read: ${code}.`);
  }
}

function withoutEmpty<T extends Record<string, Part>>(parts: T): { [K in keyof T]?: string } {
  return Object.fromEntries(Object.entries(parts).filter(([, part]) => part !== undefined)) as {
    [K in keyof T]?: string;
  };
}
