import type { ProviderName } from '../domain/payment.ts';
import { Secret } from '../domain/secret.ts';
import type { ProviderDefinition, ProviderSetup, ReadVariable } from '../providers/provider.ts';
import { providerDefinitions } from '../providers/registry.ts';
import type { StoredAccount } from '../store/provider-account-store.ts';
import type { MasterKeys } from './master-key.ts';
import { type Secrets, sealedAccount, unseal } from './sealing.ts';

/** The server's mode, and whether the account may be one in which no money moves. */
export type AccountMode = { readonly isProduction: boolean; readonly allowsTest: boolean };

/** The variables of an account after the checks. */
export type AccountSettings = {
  readonly setup: ProviderSetup;
  readonly settings: Readonly<Record<string, string>>;
  readonly secrets: Secrets;
  /** True when the provider posts callbacks from the internet, so that `PUBLIC_URL` must be reachable from there. */
  readonly isCalledFromInternet: boolean;
};

/** The variables of an account are not usable. There is one sentence for each problem, and none contains a value. */
export class AccountSettingsError extends Error {
  readonly violations: readonly string[];
  constructor(violations: readonly string[]) {
    super(violations.join(' '));
    this.violations = violations;
  }
}

/** @throws {AccountSettingsError} for a provider that does not exist. */
export function definitionOf(provider: string): ProviderDefinition {
  const definition = providerDefinitions.find(({ name }) => name === provider.toUpperCase());
  if (definition !== undefined) return definition;
  const names = providerDefinitions.map(({ name }) => name.toLowerCase()).join(', ');
  throw new AccountSettingsError([`There is no provider ${provider}. The providers are ${names}.`]);
}

/**
 * Checks the variables of an account with the rules for the environment's variables.
 *
 * @param found violations that were found before, while the variables were read. They are reported together with the others.
 * @throws {AccountSettingsError}
 */
export function readAccountSettings(
  { name, variables, secretVariables, readSetup }: ProviderDefinition,
  at: ReadVariable,
  { isProduction, allowsTest }: AccountMode,
  { violations, isSet }: { readonly violations: string[]; readonly isSet: (variable: string) => boolean },
): AccountSettings {
  const callers: string[] = [];
  const setup = readSetup({ at, isSet, isProduction, allowsTest, violations, callers });
  if (setup === null && violations.length === 0) {
    violations.push(`No variable of ${name} is set. They are ${variables.join(', ')}.`);
  }
  if (setup?.isTest && isProduction && !allowsTest) {
    violations.push(
      `This is a test account (${setup.description}), in which no money moves: production accepts it only with --allow-test.`,
    );
  }
  if (setup === null || violations.length > 0) throw new AccountSettingsError(violations);
  const settings: Record<string, string> = {};
  const secrets = new Map<string, Secret>();
  for (const variable of variables) {
    const value = at(variable);
    if (value === null) continue;
    if (secretVariables.includes(variable)) secrets.set(variable, new Secret(value));
    else settings[variable] = value;
  }
  return { setup, settings, secrets, isCalledFromInternet: callers.length > 0 };
}

/**
 * Decrypts and checks the variables of a stored account.
 *
 * @throws {SealBrokenError} @throws {AccountSettingsError} when this server refuses them, such as a live key outside production.
 */
export function settingsOfStored(
  stored: StoredAccount,
  keys: MasterKeys | null,
  { isProduction }: Pick<AccountMode, 'isProduction'>,
): AccountSettings {
  if (keys === null) throw new AccountSettingsError([masterKeyMissing]);
  const secrets = unseal(sealedAccount(stored), stored, keys);
  const at: ReadVariable = (name) => stored.settings[name] ?? secrets.get(name)?.reveal() ?? null;
  const isSet = (name: string) => at(name) !== null;
  const mode = { isProduction, allowsTest: stored.allowsTest };
  return readAccountSettings(definitionOf(stored.provider), at, mode, { violations: [], isSet });
}

export const masterKeyMissing =
  'The secrets of provider accounts are stored encrypted: set MASTER_KEY or MASTER_KEY_FILE. Create a key with: openssl rand -base64 32';

/** The position of the provider in the order in which payment methods are offered to buyers. */
export function rankOf(provider: ProviderName): number {
  return providerDefinitions.findIndex(({ name }) => name === provider);
}
