import { dirname, join, normalize } from 'node:path/posix';
import ts from 'typescript';

/**
 * Who may import whom. A room is a folder of src/, or a file that stands alone there; within a room everything may import everything.
 * An entry names a room, or one file of it, or everything.
 */
export const mayImport: Readonly<Record<string, readonly string[] | 'everything'>> = {
  domain: [],
  telemetry: ['domain/log.ts', 'logging/trace.ts'],
  database: ['prisma/generated', 'telemetry/observe.ts', 'logging/trace.ts'],
  store: ['domain', 'database', 'events/inbox.ts', 'events/cursor.ts', 'logging', 'telemetry/traceparent.ts'],
  events: ['domain', 'database', 'telemetry/observe.ts'],
  providers: ['domain', 'telemetry/observe.ts', 'telemetry/traceparent.ts'],
  accounts: ['domain', 'database', 'store', 'providers'],
  limits: ['domain'],
  logging: ['domain', 'database/errors.ts', 'telemetry/observe.ts'],
  'provider-calls': [
    'domain',
    'database',
    'store',
    'accounts/provider-accounts.ts',
    ...['providers/provider.ts', 'providers/logged-provider.ts', 'providers/deadline.ts'],
    'logging',
  ],
  outgoing: [
    ...['domain', 'database', 'store', 'accounts/master-key.ts', 'accounts/sealing.ts', 'accounts/webhook-secrets.ts'],
    ...['events/cursor.ts', 'events/log.ts', 'events/log-time.ts', 'logging', 'providers/deadline.ts'],
  ],
  commands: [
    ...['domain', 'database', 'store', 'accounts', 'provider-calls', 'providers/provider.ts', 'logging'],
    // ranges of the log, and what is sent again
    ...[
      'events/cursor.ts',
      'events/log.ts',
      'events/log-time.ts',
      'outgoing/destination.ts',
      'outgoing/queue-again.ts',
    ],
  ],
  worker: [
    ...['domain', 'database', 'events/inbox.ts', 'store', 'provider-calls', 'providers/provider.ts', 'logging'],
    'telemetry/observe.ts',
  ],
  reconciliation: [
    ...['domain', 'database', 'store', 'provider-calls', 'logging'],
    ...['providers/provider.ts', 'providers/bill.ts'],
  ],
  graphql: [
    ...['domain', 'commands', 'database', 'prisma/generated', 'logging', 'limits', 'provider-calls/context.ts'],
    ...['accounts/account-settings.ts', 'accounts/master-key.ts', 'providers/webhook-url.ts', 'telemetry/observe.ts'],
    ...['store/api-key-store.ts', 'store/signing-key-store.ts', 'store/provider-account-store.ts'],
    'outgoing/destination.ts',
    ...['store/webhook-endpoint-store.ts', 'store/webhook-message-store.ts'],
    ...['store/webhook-attempt-store.ts', 'store/webhook-replay-store.ts'],
    ...[
      'store/order-reader.ts',
      'store/order-list.ts',
      'store/payment-list.ts',
      'store/refund-list.ts',
      'store/list-statement.ts',
      'store/sales-store.ts',
      'store/delivery-list.ts',
    ],
    // what subscribes and reads; the inbox is none of its business
    ...['events/feeds.ts', 'events/follower.ts', 'events/followed-events.ts', 'events/slices.ts'],
    ...['events/cursor.ts', 'events/log.ts', 'events/log-time.ts'],
  ],
  http: [
    ...[
      'domain',
      'graphql/schema.ts',
      'graphql/export-pages.ts',
      'events/inbox.ts',
      'providers/provider.ts',
      'logging',
      'limits',
    ],
    ...['telemetry/observe.ts', 'telemetry/traceparent.ts'],
    'database/errors.ts', // a database that is away for a moment is no mistake of ours
    ...['worker/callback-intake.ts', 'accounts/provider-accounts.ts'],
  ],
  'config.ts': [
    ...[
      'domain',
      'failpoints.ts',
      'variables.ts',
      'limit-variables.ts',
      'limits/limits.ts',
      'database/address.ts',
      'accounts/master-key.ts',
    ],
    ...['providers/provider.ts', 'providers/registry.ts', 'providers/settings.ts'],
    ...['telemetry-variables.ts', 'telemetry/settings.ts'],
  ],
  'telemetry-variables.ts': ['telemetry/settings.ts', 'variables.ts', 'providers/provider.ts'],
  'limit-variables.ts': ['limits/limits.ts', 'variables.ts', 'providers/provider.ts'],
  'variables.ts': ['providers/provider.ts', 'providers/settings.ts'],
  'failpoints.ts': ['domain'],
  'banner.ts': ['domain', 'config.ts', 'providers/webhook-url.ts'],
  'development.ts': ['development-keys.ts'],
  'development-keys.ts': [],
  'demo-shop.ts': ['commands', 'store', 'accounts/master-key.ts', 'provider-calls/context.ts'],
  administration: [
    ...['domain', 'commands', 'accounts', 'database', 'store', 'providers/webhook-url.ts', 'variables.ts'],
    'outgoing/destination.ts',
  ],
  'closing-list.ts': [],
  'app.ts': 'everything',
  'app-parts.ts': 'everything', // wires parts of app.ts
  'reconcile-main.ts': 'everything', // wires one command, as app.ts wires the server
  'paystream-main.ts': 'everything',
  'workers.ts': ['events/notifications.ts', 'telemetry'],
  'main.ts': ['app.ts', 'config.ts', 'banner.ts', 'database/errors.ts', 'telemetry/observe.ts', 'workers.ts'],
};

/** What the domain may use from outside: packages that compute, and neither read nor write anything. */
const purePackages: readonly string[] = ['typeid-js', 'currency-codes'];

/** What the client may use from outside: packages that browsers can run, and that it lists as dependencies. */
const clientPackages: readonly string[] = ['@graphql-typed-document-node/core', 'graphql-request', 'graphql-ws'];

/** Texts that must not stand in a file. */
const forbiddenTexts: readonly { readonly where: RegExp; readonly text: RegExp; readonly rule: string }[] = [
  { where: /^src\/(?!config\.ts$)/, text: /\bprocess\.env\b/, rule: 'only src/config.ts reads the environment' },
  {
    where: /^src\/domain\/(?!clock\.ts$)/,
    text: /\bDate\.now\(|\bnew Date\(\s*\)/,
    rule: 'the domain is told the time',
  },
  {
    where: /^(src|sandbox)\//,
    text: /(?<=\n[ \t]+[^\n]*)new AsyncLocalStorage/,
    rule: 'an AsyncLocalStorage is made once for the process, because each slows every promise from then on',
  },
  {
    where: /^src\/(commands|provider-calls|reconciliation)\//,
    text: /\btx\b|changeOrder\w*\([^;]*?\basync\b/,
    rule: 'a decision is synchronous and sees no transaction',
  },
  {
    where: /^src\/worker\//,
    text: /changeOrder\w*\([^;]*?\basync\b/,
    rule: 'a decision is synchronous and sees no transaction',
  },
  { where: /^test\//, text: /\.(only|skip)\(/, rule: 'every test runs' },
  // In two parts, or this file would break the rule.
  { where: /./, text: new RegExp(`constructEvent${'WithoutVerification'}`), rule: 'every callback is verified' },
];

export type SourceFile = { readonly path: string; readonly text: string };

/** `path` is relative to the root of the project, with forward slashes. Each violation reads "file:line: rule". */
export function findViolations({ path, text }: SourceFile): string[] {
  const broken = [...findBrokenImports(path, text), ...findForbiddenTexts(path, text)];
  return broken.map(({ position, rule }) => `${path}:${lineOf(text, position)}: ${rule}`);
}

/**
 * Groups of files in src/, sandbox/ and packages/ that import each other in a circle, also by imports of types alone. Each group is sorted and reads
 * "a.ts, b.ts".
 */
export function findImportCycles(sources: readonly SourceFile[]): string[] {
  const imports = new Map(
    sources
      .filter(({ path }) => /^(src|sandbox|packages)\//.test(path))
      .map(({ path, text }) => [
        path,
        ts
          .preProcessFile(text, true, true)
          .importedFiles.filter(({ fileName }) => fileName.startsWith('.'))
          .map(({ fileName }) => normalize(join(dirname(path), fileName))),
      ]),
  );
  const reachable = new Map([...imports.keys()].map((path) => [path, reachFrom(path, imports)]));
  const inCircle = [...imports.keys()].filter((path) => reachable.get(path)?.has(path));
  const groups = inCircle.map((path) =>
    inCircle
      .filter((other) => reachable.get(path)?.has(other) && reachable.get(other)?.has(path))
      .sort()
      .join(', '),
  );
  return [...new Set(groups)].sort();
}

/** The files that an import chain of at least one step leads to. */
function reachFrom(start: string, imports: ReadonlyMap<string, readonly string[]>): ReadonlySet<string> {
  const reached = new Set<string>();
  const queue = [start];
  for (let path = queue.pop(); path !== undefined; path = queue.pop()) {
    for (const next of imports.get(path) ?? []) {
      if (!reached.has(next)) queue.push(next);
      reached.add(next);
    }
  }
  return reached;
}

type Broken = { readonly position: number; readonly rule: string };

function findForbiddenTexts(path: string, text: string): Broken[] {
  return forbiddenTexts
    .filter(({ where }) => where.test(path))
    .flatMap(({ text: forbidden, rule }) =>
      [...text.matchAll(new RegExp(forbidden, 'g'))].map(({ index }) => ({ position: index, rule })),
    );
}

function findBrokenImports(path: string, text: string): Broken[] {
  return ts.preProcessFile(text, true, true).importedFiles.flatMap(({ fileName, pos }) => {
    const rule = judgeImport(path, fileName);
    return rule === null ? [] : [{ position: pos, rule }];
  });
}

/** The rule that an import breaks; null when it breaks none. */
function judgeImport(path: string, specifier: string): string | null {
  const [tree, ...rest] = path.split('/');
  if (!specifier.startsWith('.')) return judgePackage(path, specifier);
  const target = normalize(join(dirname(path), specifier));
  if (tree === 'sandbox') return judgeSandboxImport(path, target);
  if (tree === 'web') {
    return /^(web|packages|generated\/web)\//.test(target) ? null : 'the pages know the server by its API alone';
  }
  if (path.startsWith('packages/client/')) return judgeClientImport(target);
  if (tree !== 'src') return null;
  if (target.startsWith('sandbox/')) return 'src shares no code with the sandbox';
  const room = rest[0] ?? '';
  const allowed = mayImport[room];
  if (allowed === undefined) return `src/${room} is not a room of the house`;
  const name = target.replace(/^src\//, '');
  if (allowed === 'everything' || isWithin(name, [room, ...allowed])) return null;
  return `${room} may not import ${name}, only ${['itself', ...allowed].join(', ')}`;
}

/** One provider of the sandbox, a folder of its own, knows nothing of another. */
function judgeSandboxImport(path: string, target: string): string | null {
  if (target.startsWith('src/')) return 'the sandbox shares no code with src';
  const providerOf = (file: string) => /^sandbox\/(\w+)\//.exec(file)?.[1];
  const [own, other] = [providerOf(path), providerOf(target)];
  return own === undefined || other === undefined || own === other
    ? null
    : `sandbox/${own} may not import from sandbox/${other}`;
}

/** The client is a package of its own, which is installed without the server. */
function judgeClientImport(target: string): string | null {
  return target.startsWith('packages/client/') ? null : 'the client imports nothing from outside its package';
}

function judgePackage(path: string, specifier: string): string | null {
  if (path.startsWith('packages/client/src/') && !clientPackages.includes(specifier)) {
    return `the client may not import ${specifier}, only ${clientPackages.join(', ')}`;
  }
  if (!path.startsWith('src/domain/') || purePackages.includes(specifier)) return null;
  return `the domain may not import ${specifier}, only ${purePackages.join(', ')}`;
}

function isWithin(name: string, places: readonly string[]): boolean {
  return places.some((place) => name === place || name.startsWith(`${place}/`));
}

function lineOf(text: string, position: number): number {
  return text.slice(0, position).split('\n').length;
}
