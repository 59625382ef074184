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
  const environment = parseEnv(normalized(text));
  const violations: string[] = [];
  const at = variablesOf(environment, violations);
  const given = Object.keys(environment).filter((name) => environment[name]);
  // Such a name may be part of a secret, so it is not shown.
  if (given.some((name) => !/^\w+$/.test(name)))
    violations.push('The file has a line that is not NAME=VALUE or a # comment.');
  const names = [
    ...new Set(given.filter((name) => /^\w+$/.test(name)).map((name) => name.replace(/_FILE$/, ''))),
  ].sort();
  const values: Record<string, string> = {};
  for (const name of names) {
    const value = at(name);
    if (value !== null) values[name] = value;
  }
  return { values, names, violations };
}

/** Node's parser takes an indented comment for a name. */
function normalized(text: string): string {
  return text.replaceAll('\r\n', '\n').replaceAll(/^[ \t]+/gm, '');
}

function textOf(file: string): string {
  try {
    return readFileSync(file === '-' ? standardInput : file, 'utf8');
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new Error(`The file with the variables cannot be read: ${why}.`);
  }
}
