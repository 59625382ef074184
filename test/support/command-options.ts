/**
 * Reads the options of a command. For options that cannot be used it prints why, and the usage, and ends the process with status 2.
 *
 * @param read throws an error with a sentence for the user.
 */
export function optionsOrExit<T>(usage: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : error}\n\n${usage}`);
    process.exit(2);
  }
}

/** The value of `--name`; null when it is not given. @throws {Error} with a sentence for the user. */
export function wholeNumberOf(name: string, text: string | undefined, min: number): number | null {
  if (text === undefined) return null;
  const value = Number(text);
  if (text.trim() === '' || !Number.isSafeInteger(value) || value < min)
    throw new Error(`--${name} must be a whole number from ${min} on.`);
  return value;
}

/** The PostgreSQL server of DATABASE_URL, on which a command makes its databases. @throws {Error} with a sentence for the user. */
export function databaseServer(): string {
  const url = process.env.DATABASE_URL;
  if (!url) throw new Error('Set DATABASE_URL to a PostgreSQL server on which databases may be made and dropped.');
  return url;
}
