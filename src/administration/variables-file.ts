import { readFileSync } from 'node:fs';
import { parseEnv } from 'node:util';
import type { GivenVariables } from '../commands/provider-account-input.ts';
import { variablesOf } from '../variables.ts';

const standardInput = 0;

/**
 * Reads the variables of a provider account from a file in the format of `.env` files. A variable may also name a file,
 * as in the environment: `STRIPE_SECRET_KEY_FILE`.
 *
 * @param file a path, or `-` for standard input.
 * @throws {Error} with a sentence when the file cannot be read.
 */
export function readVariablesFile(file: string): GivenVariables {
  return readVariables(textOf(file));
}

export function readVariables(text: string): GivenVariables {
  const environment = parseEnv(text);
  const violations: string[] = [];
  const at = variablesOf(environment, violations);
  const isGiven = ([, value]: [string, string | undefined]) => value !== undefined && value !== '';
  const names = new Set(
    Object.entries(environment)
      .filter(isGiven)
      .map(([name]) => name.replace(/_FILE$/, '')),
  );
  const values: Record<string, string> = {};
  for (const name of names) {
    const value = at(name);
    if (value !== null) values[name] = value;
  }
  return { values, names: [...names], violations };
}

function textOf(file: string): string {
  try {
    return readFileSync(file === '-' ? standardInput : file, 'utf8');
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new Error(`The file with the variables cannot be read: ${why}.`);
  }
}
