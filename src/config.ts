import { createHash } from 'node:crypto';
import { statSync } from 'node:fs';
import { isIP } from 'node:net';
import { dirname, resolve } from 'node:path';
import { z } from 'zod';
import { type MasterKeys, readMasterKey } from './accounts/master-key.ts';
import { parseAddress } from './database/address.ts';
import { type DeathAt, parseFailpoints } from './failpoints.ts';
import { limitsOf } from './limit-variables.ts';
import type { Limits } from './limits/limits.ts';
import type { ProviderSetup, ReadVariable, Settings } from './providers/provider.ts';
import { providerDefinitions } from './providers/registry.ts';
import { hintFor, isReachable, readPart, readUrl } from './providers/settings.ts';
import type { TelemetrySettings } from './telemetry/settings.ts';
import { telemetryOf } from './telemetry-variables.ts';
import { choiceOf, countOf, daysOf, type Environment, portOf, variablesOf } from './variables.ts';

const documentsSchema = z.record(z.string(), z.string());

/** The configuration from the environment, validated and typed. Read once at the start. */
export type Config = {
  readonly isProduction: boolean;
  /** Whether `/graphql` serves GraphiQL to browsers. */
  readonly hasGraphiql: boolean;
  readonly hasIntrospection: boolean;
  /** The documents that browsers may send, by their SHA-256; null when they may send any. */
  readonly trustedDocuments: ReadonlyMap<string, string> | null;
  readonly limits: Limits;
  /** The number of proxies in front of the server. Their `x-forwarded-for` header names the client. */
  readonly trustedProxies: number;
  readonly host: string;
  readonly port: number;
  /** The public URL for providers and browsers, without a slash at the end; null when it is the listening address. */
  readonly publicUrl: string | null;
  readonly databaseUrl: string | null;
  /** Carries notifications between nodes; null for a single process, or when a latency of one second is acceptable. */
  readonly redisUrl: string | null;
  readonly dataDir: string;
  readonly migrateOnStart: boolean;
  /** How long the headers and bodies of callbacks are kept. */
  readonly callbackRetentionDays: number;
  /** How long idempotency keys are kept. */
  readonly idempotencyRetentionDays: number;
  /** How long delivered webhook messages and the attempts to deliver them are kept. */
  readonly webhookLogRetentionDays: number;
  /** For development: webhooks may be sent to this machine. */
  readonly allowsWebhookLoopback: boolean;
  readonly logLevel: LogLevel;
  /** Traces and metrics; both are off by default. */
  readonly telemetry: TelemetrySettings;
  /** A bearer token that replaces the one in the data directory; null in production. */
  readonly devApiKey: string | null;
  /** The configured providers. */
  readonly providers: readonly ProviderSetup[];
  /** The keys that encrypt the secrets of stored provider accounts; null when none is set. */
  readonly masterKeys: MasterKeys | null;
  /** The failpoints at which tests kill the process; empty otherwise. */
  readonly failpoints: readonly DeathAt[];
  /** The sandbox that replaces the providers; null when a provider is configured, and in production. */
  readonly sandbox: { readonly port: number } | null;
};

const logLevels = ['fatal', 'error', 'warn', 'info', 'debug', 'silent'] as const;
export type LogLevel = (typeof logLevels)[number];

/** All problems of the environment, one sentence each. */
export class ConfigError extends Error {
  constructor(violations: readonly string[]) {
    super(`The configuration is not usable:\n${violations.map((violation) => `  ${violation}`).join('\n')}`);
  }
}

/** @throws {ConfigError} with all violations at once. */
export function readConfig(environment: Environment = process.env): Config {
  const violations: string[] = [];
  const callers: string[] = [];
  const at = variablesOf(environment, violations);
  const isSet = (name: string) => Boolean(environment[name] || environment[`${name}_FILE`]);
  const isProduction = isProductionAt(at, violations);
  const providers = readSetups({ at, isSet, isProduction, allowsTest: false, violations, callers });
  violations.push(...unknownVariablesIn(environment));
  const publicUrl = publicUrlOf({ at, violations, callers });
  const devApiKey = at('DEV_API_KEY');
  if (isProduction && devApiKey !== null)
    violations.push('DEV_API_KEY is for development only: unset it in production.');
  if (devApiKey !== null && !/^[!-~]{16,}$/.test(devApiKey)) {
    violations.push('DEV_API_KEY must have at least 16 characters, ASCII only and without blanks.');
  }
  const databaseUrl = at('DATABASE_URL');
  if (databaseUrl !== null) checkDatabaseUrl(databaseUrl, violations);
  const redisUrl = at('REDIS_URL');
  if (redisUrl !== null && !(/^rediss?:\/\//.test(redisUrl) && URL.canParse(redisUrl))) {
    violations.push('REDIS_URL must be a URL that starts with redis:// or rediss://.');
  }
  const port = portOf(at, 'PORT', 4000, violations);
  const sandboxPort = portOf(at, 'SANDBOX_PORT', 4100, violations);
  const isWithSandbox = providers.length === 0 && !isProduction;
  if (isWithSandbox && port !== 0 && port === sandboxPort) violations.push('PORT and SANDBOX_PORT must differ.');
  const config: Config = {
    isProduction,
    hasGraphiql: isOn(at, 'GRAPHIQL', !isProduction, violations),
    hasIntrospection: isOn(at, 'INTROSPECTION', !isProduction, violations),
    trustedDocuments: trustedDocumentsOf(at, violations),
    limits: limitsOf(at, violations),
    trustedProxies: countOf(at, 'TRUSTED_PROXIES', { fallback: 0, min: 0, max: 10 }, violations),
    host: hostOf(at, violations),
    port,
    publicUrl,
    databaseUrl,
    redisUrl,
    dataDir: dataDirOf(at, violations),
    migrateOnStart: choiceOf(at, 'MIGRATE_ON_START', ['true', 'false'], 'true', violations) === 'true',
    callbackRetentionDays: daysOf(at, 'CALLBACK_RETENTION_DAYS', 90, violations),
    idempotencyRetentionDays: daysOf(at, 'IDEMPOTENCY_RETENTION_DAYS', 30, violations),
    webhookLogRetentionDays: daysOf(at, 'WEBHOOK_LOG_RETENTION_DAYS', 30, violations),
    allowsWebhookLoopback: webhookLoopbackOf(at, isProduction, violations),
    logLevel: choiceOf(at, 'LOG_LEVEL', logLevels, isProduction ? 'info' : 'warn', violations),
    telemetry: telemetryOf(at, violations),
    devApiKey,
    providers,
    masterKeys: masterKeysOf(at, violations),
    failpoints: failpointsOf(at, isProduction, violations),
    sandbox: isWithSandbox ? { port: sandboxPort } : null,
  };
  if (violations.length > 0) throw new ConfigError(violations);
  return config;
}

function isOn(at: ReadVariable, name: string, fallback: boolean, violations: string[]): boolean {
  return choiceOf(at, name, ['on', 'off'], fallback ? 'on' : 'off', violations) === 'on';
}

function webhookLoopbackOf(at: ReadVariable, isProduction: boolean, violations: string[]): boolean {
  const isAllowed = isOn(at, 'WEBHOOK_LOOPBACK', false, violations);
  if (isAllowed && isProduction) violations.push('WEBHOOK_LOOPBACK is for development only: unset it in production.');
  return isAllowed;
}

function checkDatabaseUrl(databaseUrl: string, violations: string[]): void {
  try {
    parseAddress(databaseUrl);
  } catch (error) {
    violations.push(error instanceof Error ? error.message : 'DATABASE_URL cannot be read.');
  }
}

/** An unknown value must not mean development, where a printed token gives full access. */
function isProductionAt(at: ReadVariable, violations: string[]): boolean {
  const choices = ['production', 'development', 'test'] as const;
  const before = violations.length;
  const isProduction = choiceOf(at, 'NODE_ENV', choices, 'development', violations) === 'production';
  // An unknown value most likely means production, so the other variables are checked as in production.
  return isProduction || violations.length > before;
}

function hostOf(at: ReadVariable, violations: string[]): string {
  const host = at('HOST') ?? '127.0.0.1';
  if (isIP(host) === 0 && !/^[a-z\d]([a-z\d._-]{0,251}[a-z\d])?$/i.test(host)) {
    violations.push(
      'HOST must be an IP address or a host name without a port, such as 0.0.0.0, :: or localhost. Set the port in PORT.',
    );
  }
  return host;
}

function dataDirOf(at: ReadVariable, violations: string[]): string {
  const dataDir = at('DATA_DIR') ?? '.data';
  if (dataDir.startsWith('~'))
    violations.push('DATA_DIR starts with ~, which only a shell expands: write the full path.');
  else if (/^\/(proc|sys)(\/|$)/.test(resolve(dataDir)))
    violations.push('DATA_DIR is in a file system of the kernel, which stores nothing: choose a directory on a disk.');
  else if (isFile(dataDir)) violations.push('DATA_DIR must be a directory, but the path exists and is not one.');
  else if (isBelowFile(resolve(dataDir)))
    violations.push('DATA_DIR must be a directory, but a part of its path is a file.');
  return dataDir;
}

function isFile(path: string): boolean {
  try {
    return !statSync(path).isDirectory();
  } catch {
    return false; // it does not exist yet, or the start reports why it cannot be created
  }
}

function isBelowFile(path: string): boolean {
  const parent = dirname(path);
  return parent !== path && (isFile(parent) || isBelowFile(parent));
}

function readSetups(settings: Settings): ProviderSetup[] {
  return providerDefinitions.map((definition) => definition.readSetup(settings)).filter((setup) => setup !== null);
}

/** Reads the providers of a generated environment, whose callbacks come from this machine. @throws {ConfigError} */
export function readProviders({ at, isProduction }: Pick<Settings, 'at' | 'isProduction'>): ProviderSetup[] {
  const violations: string[] = [];
  const isSet = (name: string) => at(name) !== null;
  const setups = readSetups({ at, isSet, isProduction, allowsTest: false, violations, callers: [] });
  if (violations.length > 0) throw new ConfigError(violations);
  return setups;
}

/**
 * Reports variables with the prefix of a provider that the provider does not know. They are most likely misspelled and
 * would be ignored silently.
 */
function unknownVariablesIn(environment: Environment): string[] {
  return providerDefinitions.flatMap(({ name: prefix, variables }) => {
    const known = new Set(variables.flatMap((name) => [name, `${name}_FILE`]));
    return Object.keys(environment)
      .filter((name) => name.startsWith(`${prefix}_`) && !known.has(name) && environment[name])
      .map((name) => `${name} is not a known variable. The variables of this provider are ${variables.join(', ')}.`);
  });
}

/**
 * Reads the public URL: a base URL to which paths are appended. When a provider posts callbacks from the internet, the
 * URL must be reachable from there.
 */
function publicUrlOf({ at, violations, callers }: Pick<Settings, 'at' | 'violations' | 'callers'>): string | null {
  const violationsBefore = violations.length;
  const given = readUrl({ at, violations }, 'PUBLIC_URL');
  const url = given === null ? null : new URL(given);
  if (url !== null && (/[?#]/.test(url.href) || url.username !== '' || url.password !== '')) {
    violations.push('PUBLIC_URL must be a base URL without ?, # and a user: paths are appended to it.');
  }
  const isReached = url !== null && url.protocol === 'https:' && isReachable(url.hostname);
  if (callers.length > 0 && !isReached && violations.length === violationsBefore) {
    const who = callers.join(' and ');
    const verb = callers.length === 1 ? 'posts its' : 'post their';
    violations.push(`PUBLIC_URL must be an https URL that the internet reaches: ${who} ${verb} callbacks there.`);
  }
  return url?.href.replace(/\/+$/, '') ?? null;
}

/** A JSON object of documents by the SHA-256 of their text, as tools for persisted documents write it. */
function trustedDocumentsOf(at: ReadVariable, violations: string[]): ReadonlyMap<string, string> | null {
  const text = at('TRUSTED_DOCUMENTS');
  if (text === null) return null;
  const documents = readPart(violations, 'TRUSTED_DOCUMENTS', () => {
    const parsed = documentsSchema.safeParse(jsonOf(text));
    if (!parsed.success) throw new Error('must be a JSON object with the text of a document under each SHA-256.');
    return parsed.data;
  });
  for (const [hash, document] of Object.entries(documents ?? {})) {
    if (createHash('sha256').update(document).digest('hex') === hash) continue;
    violations.push(
      `TRUSTED_DOCUMENTS has a document under ${hash.slice(0, 64)}, which is not the SHA-256 of its text.`,
    );
  }
  return documents === null ? null : new Map(Object.entries(documents));
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null; // the parser's message would repeat the text
  }
}

/** During a rotation MASTER_KEY is the new key, and MASTER_KEY_OLD the one that it replaces. */
function masterKeysOf(at: ReadVariable, violations: string[]): MasterKeys | null {
  const read = (name: string) => {
    const text = at(name);
    const hint = text === null ? '' : hintFor(text, `use ${name}_FILE`);
    return text === null ? null : readPart(violations, name, () => readMasterKey(text), hint);
  };
  const [current, old] = [read('MASTER_KEY'), read('MASTER_KEY_OLD')];
  if (old !== null && at('MASTER_KEY') === null) violations.push('MASTER_KEY_OLD is set without MASTER_KEY: set both.');
  if (old !== null && old.id === current?.id) violations.push('MASTER_KEY_OLD and MASTER_KEY are the same key.');
  return current === null ? null : { current, old };
}

function failpointsOf(at: ReadVariable, isProduction: boolean, violations: string[]): DeathAt[] {
  const text = at('FAILPOINTS');
  if (text === null) return [];
  if (isProduction) violations.push('FAILPOINTS kills the process on purpose: unset it in production.');
  try {
    return parseFailpoints(text);
  } catch (error) {
    violations.push(`FAILPOINTS: ${error instanceof Error ? error.message : error}`);
    return [];
  }
}
