import { readFileSync } from 'node:fs';
import { z } from 'zod';
import type { ProviderName } from './domain/payment.ts';
import { type DeathAt, parseFailpoints } from './failpoints.ts';
import type { ProviderSetup, ReadVariable, Settings } from './providers/provider.ts';
import { providerKinds } from './providers/registry.ts';
import { isReachable, looksLikePath, urlAt } from './providers/settings.ts';

/** What the environment says, checked and typed. Read once, at start. */
export type Config = {
  readonly isProduction: boolean;
  readonly host: string;
  readonly port: number;
  /** Where providers and browsers reach us, without a slash at the end; null when it is where we listen. */
  readonly publicUrl: string | null;
  readonly databaseUrl: string | null;
  /** Carries wakes between nodes; null where one process is all there is, or a second of latency is fine. */
  readonly redisUrl: string | null;
  readonly dataDir: string;
  readonly migrateOnStart: boolean;
  readonly logLevel: LogLevel;
  /** The bearer token to use instead of the one kept in the data directory; null in production. */
  readonly devApiKey: string | null;
  /** What buyers can pay by. */
  readonly providers: readonly ProviderSetup[];
  /** Where tests make the process die; empty otherwise. */
  readonly failpoints: readonly DeathAt[];
  /** Where the sandbox stands in for the providers; null when a provider is configured, and in production. */
  readonly sandbox: { readonly port: number } | null;
};

const logLevels = ['fatal', 'error', 'warn', 'info', 'debug', 'silent'] as const;
export type LogLevel = (typeof logLevels)[number];

/** Everything that is wrong with the environment, a sentence for each. */
export class ConfigError extends Error {
  constructor(violations: readonly string[]) {
    super(`The configuration is not usable:\n${violations.map((violation) => `  ${violation}`).join('\n')}`);
  }
}

type Environment = Readonly<Record<string, string | undefined>>;

/** @throws {ConfigError} naming every violation at once. */
export function readConfig(environment: Environment = process.env): Config {
  const violations: string[] = [];
  const callers: string[] = [];
  const at = valuesOf(environment, violations);
  const isSet = (name: string) => Boolean(environment[name] || environment[`${name}_FILE`]);
  const isProduction = environment.NODE_ENV === 'production';
  const providers = readSetups({ at, isSet, isProduction, violations, callers });
  violations.push(...strangersIn(environment));
  const publicUrl = publicUrlOf({ at, violations, callers });
  const devApiKey = at('DEV_API_KEY');
  if (isProduction && devApiKey !== null)
    violations.push('DEV_API_KEY is for development only: unset it in production.');
  if (devApiKey !== null && devApiKey.length < 16) violations.push('DEV_API_KEY must have at least 16 characters.');
  const databaseUrl = at('DATABASE_URL');
  if (databaseUrl !== null && !/^postgres(ql)?:\/\//.test(databaseUrl)) {
    violations.push('DATABASE_URL must start with postgresql://; unset, the embedded database is used.');
  }
  const redisUrl = at('REDIS_URL');
  if (redisUrl !== null && !/^rediss?:\/\//.test(redisUrl))
    violations.push('REDIS_URL must start with redis:// or rediss://.');
  const config: Config = {
    isProduction,
    host: at('HOST') ?? '127.0.0.1',
    port: portOf(at, 'PORT', 4000, violations),
    publicUrl,
    databaseUrl,
    redisUrl,
    dataDir: at('DATA_DIR') ?? '.data',
    migrateOnStart: choiceOf(at, 'MIGRATE_ON_START', ['true', 'false'], 'true', violations) === 'true',
    logLevel: choiceOf(at, 'LOG_LEVEL', logLevels, isProduction ? 'info' : 'warn', violations),
    devApiKey,
    providers,
    failpoints: failpointsOf(at, isProduction, violations),
    sandbox: providers.length === 0 && !isProduction ? { port: portOf(at, 'SANDBOX_PORT', 4100, violations) } : null,
  };
  if (violations.length > 0) throw new ConfigError(violations);
  return config;
}

function readSetups(settings: Settings): ProviderSetup[] {
  return providerKinds.map((kind) => kind.readSetup(settings)).filter((setup) => setup !== null);
}

/** The providers of an environment that is made for them, whose callers are on this machine. @throws {ConfigError} */
export function readProviders({ at, isProduction }: Pick<Settings, 'at' | 'isProduction'>): ProviderSetup[] {
  const violations: string[] = [];
  const isSet = (name: string) => at(name) !== null;
  const setups = readSetups({ at, isSet, isProduction, violations, callers: [] });
  if (violations.length > 0) throw new ConfigError(violations);
  return setups;
}

/** A sentence for each name that looks like a provider's and is none: most likely it is spelled wrongly, and nobody would notice. */
function strangersIn(environment: Environment): string[] {
  return providerKinds.flatMap(({ name: prefix, variables }) => {
    const known = new Set(variables.flatMap((name) => [name, `${name}_FILE`]));
    return Object.keys(environment)
      .filter((name) => name.startsWith(`${prefix}_`) && !known.has(name) && environment[name])
      .map((name) => `${name} is not a variable of ours. Those of its kind are ${variables.join(', ')}.`);
  });
}

/**
 * Where providers and browsers reach us: an address alone, for paths are put behind it. Where somebody posts callbacks to it from the
 * internet, that must lead there.
 */
function publicUrlOf({ at, violations, callers }: Pick<Settings, 'at' | 'violations' | 'callers'>): string | null {
  const told = violations.length;
  const given = urlAt({ at, violations }, 'PUBLIC_URL');
  const url = given === null ? null : new URL(given);
  if (url !== null && (/[?#]/.test(url.href) || url.username !== '' || url.password !== '')) {
    violations.push('PUBLIC_URL must be an address alone, without ?, # and a user: paths are put behind it.');
  }
  const isReached = url !== null && url.protocol === 'https:' && isReachable(url.hostname);
  if (callers.length > 0 && !isReached && violations.length === told) {
    const who = callers.join(' and ');
    const verb = callers.length === 1 ? 'posts its' : 'post their';
    violations.push(`PUBLIC_URL must be an https URL that the internet reaches: ${who} ${verb} callbacks there.`);
  }
  return given?.replace(/\/+$/, '') ?? null;
}

/** Where a provider posts its callbacks to. */
export function webhookUrlOf(publicUrl: string, name: ProviderName): string {
  return `${publicUrl}/webhooks/${name.toLowerCase()}`;
}

function failpointsOf(at: ReadVariable, isProduction: boolean, violations: string[]): DeathAt[] {
  const text = at('FAILPOINTS');
  if (text === null) return [];
  if (isProduction) violations.push('FAILPOINTS makes the process die on purpose: unset it in production.');
  try {
    return parseFailpoints(text);
  } catch (error) {
    violations.push(`FAILPOINTS: ${error instanceof Error ? error.message : error}`);
    return [];
  }
}

/**
 * Reads `NAME`, or the file that `NAME_FILE` names; an empty value counts as unset. Each is read once, and what is wrong with it told
 * once.
 */
function valuesOf(environment: Environment, violations: string[]): ReadVariable {
  const known = new Map<string, string | null>();
  const read = (name: string): string | null => {
    const value = environment[name] || null;
    const file = environment[`${name}_FILE`] || null;
    if (value !== null && file !== null) violations.push(`${name} and ${name}_FILE are both set: keep one.`);
    const text = file === null ? value : textOf(`${name}_FILE`, file, violations);
    if (text === null || !/^(["']).*\1$/s.test(text)) return text;
    violations.push(`${name} is in quotes: give it without them.`);
    return null;
  };
  return (name) => {
    const value = known.has(name) ? (known.get(name) ?? null) : read(name);
    known.set(name, value);
    return value;
  };
}

function textOf(name: string, file: string, violations: string[]): string | null {
  try {
    const text = readFileSync(file, 'utf8').trim();
    if (text === '') violations.push(`${name} names a file that is empty.`);
    return text || null;
  } catch (error) {
    // A secret that was put here by mistake is not shown.
    const why = looksLikePath(file) && error instanceof Error ? error.message : 'its value does not look like a path';
    violations.push(`${name} names a file that cannot be read: ${why}.`);
    return null;
  }
}

function portOf(at: ReadVariable, name: string, otherwise: number, violations: string[]): number {
  const parsed = z.coerce
    .number()
    .int()
    .min(0)
    .max(65_535)
    .safeParse(at(name) ?? otherwise);
  if (parsed.success) return parsed.data;
  violations.push(`${name} must be a port, 0 to 65535.`);
  return otherwise;
}

function choiceOf<T extends string>(
  at: ReadVariable,
  name: string,
  choices: readonly T[],
  otherwise: T,
  violations: string[],
): T {
  const value = at(name);
  if (value === null) return otherwise;
  const chosen = choices.find((choice) => choice === value);
  if (chosen === undefined) violations.push(`${name} must be one of ${choices.join(', ')}.`);
  return chosen ?? otherwise;
}
