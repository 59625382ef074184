import {
  type AccountSettings,
  AccountSettingsError,
  definitionOf,
  readAccountSettings,
} from '../accounts/account-settings.ts';
import type { MasterKeys } from '../accounts/master-key.ts';
import { InvalidInputError, ProviderUnavailableError } from '../domain/errors.ts';
import type { ProviderName } from '../domain/payment.ts';
import type { CommandContext } from '../provider-calls/context.ts';
import { ProviderAwayError, type ProviderSetup } from '../providers/provider.ts';

/** What the commands on provider accounts need. */
export type AccountParts = Pick<CommandContext, 'db' | 'clock' | 'log'> & {
  readonly masterKeys: MasterKeys | null;
  readonly isProduction: boolean;
};

/** The variables of an account as somebody gave them. */
export type GivenVariables = {
  readonly values: Readonly<Record<string, string>>;
  /** All names, also those whose values could not be read. */
  readonly names: readonly string[];
  /** A sentence for each value that could not be read. */
  readonly violations: readonly string[];
};

const retryAfterMs = 60_000;

/** Checks the variables of an account. @throws {InvalidInputError} with all violations. */
export function checkVariables(
  { isProduction }: Pick<AccountParts, 'isProduction'>,
  provider: string,
  { values, names, violations: found }: GivenVariables,
  allowsTest: boolean,
): AccountSettings {
  try {
    const definition = definitionOf(provider);
    const unknown = names.filter((name) => !definition.variables.includes(name));
    const violations = [
      ...found,
      ...unknown.map(
        (name) => `${name} is not a variable of this provider. They are ${definition.variables.join(', ')}.`,
      ),
    ];
    const isSet = (name: string) => names.includes(name);
    const at = (name: string) => values[name] ?? null;
    return readAccountSettings(definition, at, { isProduction, allowsTest }, { violations, isSet });
  } catch (error) {
    if (error instanceof AccountSettingsError) throw refused(error.violations);
    throw error;
  }
}

/**
 * The name of the account that the variables belong to.
 *
 * @throws {InvalidInputError} when the provider refuses the key. @throws {ProviderUnavailableError} when it does not answer.
 */
export async function findAccountName(
  { log }: Pick<AccountParts, 'log'>,
  setup: ProviderSetup,
): Promise<{ readonly name: ProviderName; readonly account: string }> {
  try {
    return { name: setup.name, account: await setup.findAccount(log) };
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    if (error instanceof ProviderAwayError) throw new ProviderUnavailableError(retryAfterMs, { cause: error }, message);
    throw refused([message]);
  }
}

export function refused(violations: readonly string[]): InvalidInputError {
  return new InvalidInputError(violations.map((message) => ({ path: 'variables', message })));
}
