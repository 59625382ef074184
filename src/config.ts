import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { type DeathAt, parseFailpoints } from './failpoints.ts';

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
  readonly stripe: StripeConfig | null;
  /** Where tests make the process die; empty otherwise. */
  readonly failpoints: readonly DeathAt[];
  /** Where the sandbox stands in for the providers; null when a provider is configured, and in production. */
  readonly sandbox: { readonly port: number } | null;
};

export type StripeConfig = {
  readonly secretKey: string;
  readonly publishableKey: string;
  readonly webhookSecrets: readonly string[];
  readonly apiBase: string;
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
  const at = valuesOf(environment, violations);
  const isProduction = environment.NODE_ENV === 'production';
  const stripe = stripeOf(at, violations);
  if (!isProduction && stripe !== null && /_live_/.test(stripe.secretKey)) {
    violations.push('STRIPE_SECRET_KEY is a live key: real money moves only with NODE_ENV=production.');
  }
  const devApiKey = at('DEV_API_KEY');
  if (isProduction && devApiKey !== null)
    violations.push('DEV_API_KEY is for development only: unset it in production.');
  if (devApiKey !== null && devApiKey.length < 16) violations.push('DEV_API_KEY must have at least 16 characters.');
  for (const name of notBuilt) {
    if (at(name) !== null) violations.push(`${name} is set, but this version has no such provider yet: unset it.`);
  }
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
    publicUrl: urlOf(at, 'PUBLIC_URL', violations)?.replace(/\/+$/, '') ?? null,
    databaseUrl,
    redisUrl,
    dataDir: at('DATA_DIR') ?? '.data',
    migrateOnStart: choiceOf(at, 'MIGRATE_ON_START', ['true', 'false'], 'true', violations) === 'true',
    logLevel: choiceOf(at, 'LOG_LEVEL', logLevels, isProduction ? 'info' : 'warn', violations),
    devApiKey,
    stripe,
    failpoints: failpointsOf(at, isProduction, violations),
    sandbox: stripe === null && !isProduction ? { port: portOf(at, 'SANDBOX_PORT', 4100, violations) } : null,
  };
  if (violations.length > 0) throw new ConfigError(violations);
  return config;
}

function failpointsOf(at: Read, isProduction: boolean, violations: string[]): DeathAt[] {
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

/** Providers that are designed and not built: naming them must not look as if they worked. */
const notBuilt = [
  ...['ALIPAY_APP_ID', 'ALIPAY_SELLER_ID', 'ALIPAY_PRIVATE_KEY', 'ALIPAY_PUBLIC_KEY', 'ALIPAY_GATEWAY'],
  ...['WECHATPAY_APP_ID', 'WECHATPAY_MCH_ID', 'WECHATPAY_SERIAL', 'WECHATPAY_PRIVATE_KEY'],
  ...['WECHATPAY_API_V3_KEY', 'WECHATPAY_PLATFORM_KEYS', 'WECHATPAY_BASE_URL'],
];

type Read = (name: string) => string | null;

/** Reads `NAME`, or the file that `NAME_FILE` names; an empty value counts as unset. */
function valuesOf(environment: Environment, violations: string[]): Read {
  return (name) => {
    const value = environment[name] || null;
    const file = environment[`${name}_FILE`] || null;
    if (file === null) return value;
    if (value !== null) violations.push(`${name} and ${name}_FILE are both set: keep one.`);
    try {
      return readFileSync(file, 'utf8').trim() || null;
    } catch {
      violations.push(`${name}_FILE names a file that cannot be read.`);
      return null;
    }
  };
}

function stripeOf(at: Read, violations: string[]): StripeConfig | null {
  const required = ['STRIPE_SECRET_KEY', 'STRIPE_PUBLISHABLE_KEY', 'STRIPE_WEBHOOK_SECRETS'] as const;
  const apiBase = urlOf(at, 'STRIPE_API_BASE', violations);
  const values = required.map(at);
  const [secretKey, publishableKey, secrets] = values;
  const missing = required.filter((_, index) => values[index] === null);
  if (missing.length === required.length && apiBase === null) return null;
  if (secretKey == null || publishableKey == null || secrets == null) {
    violations.push(`Cards are configured in part: ${missing.join(' and ')} must be set too, or nothing of STRIPE_*.`);
    return null;
  }
  const webhookSecrets = secrets.split(',').map((secret) => secret.trim());
  if (!/^(sk|rk)_(test|live)_/.test(secretKey)) {
    violations.push('STRIPE_SECRET_KEY must start with sk_test_, sk_live_, rk_test_ or rk_live_.');
  }
  if (!/^pk_(test|live)_/.test(publishableKey)) {
    violations.push('STRIPE_PUBLISHABLE_KEY must start with pk_test_ or pk_live_.');
  }
  if (/_live_/.test(secretKey) !== /_live_/.test(publishableKey)) {
    violations.push('STRIPE_SECRET_KEY and STRIPE_PUBLISHABLE_KEY must both be test keys or both live keys.');
  }
  if (webhookSecrets.length > 2 || webhookSecrets.some((secret) => !/^whsec_.{8,}$/.test(secret))) {
    violations.push(
      'STRIPE_WEBHOOK_SECRETS must be one secret, or two with a comma between, each starting with whsec_.',
    );
  }
  if (apiBase !== null && new URL(apiBase).pathname !== '/') {
    violations.push('STRIPE_API_BASE must have no path: Stripe’s own begins with /v1.');
  }
  if (apiBase?.startsWith('http:') && /_live_/.test(secretKey)) {
    violations.push('STRIPE_API_BASE must be https with a live key.');
  }
  return { secretKey, publishableKey, webhookSecrets, apiBase: apiBase ?? 'https://api.stripe.com' };
}

function portOf(at: Read, name: string, otherwise: number, violations: string[]): number {
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

function urlOf(at: Read, name: string, violations: string[]): string | null {
  const value = at(name);
  if (value === null) return null;
  const url = URL.canParse(value) ? new URL(value) : null;
  if (url?.protocol === 'http:' || url?.protocol === 'https:') return value;
  violations.push(`${name} must be an http or https URL.`);
  return null;
}

function choiceOf<T extends string>(
  at: Read,
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
