/** What a person decided to do: the key of the intent, and the input that it belongs to. */
export type Attempt<Input> = { readonly key: string; readonly input: Input };

const prefix = 'paystream.attempt.';

/** In place of the storage that a browser forbids: these attempts last as long as the page. */
const unstored = new Map<string, string>();

/**
 * An attempt whose outcome is not known is kept until it is, also over a reload: it is repeated with the same key and the same input, so that a
 * refund whose answer was lost is not made twice.
 */
export function keptAttempt<Input>(name: string): Attempt<Input> | null {
  try {
    const text = unstored.get(name) ?? read(prefix + name);
    return text === null ? null : (JSON.parse(text) as Attempt<Input>);
  } catch {
    return null; // another program wrote there
  }
}

export function keepAttempt<Input>(name: string, attempt: Attempt<Input>): void {
  const text = JSON.stringify(attempt);
  try {
    sessionStorage.setItem(prefix + name, text);
  } catch {
    unstored.set(name, text);
  }
}

export function forgetAttempt(name: string): void {
  unstored.delete(name);
  try {
    sessionStorage.removeItem(prefix + name);
  } catch {
    // Nothing is stored.
  }
}

function read(key: string): string | null {
  try {
    return sessionStorage.getItem(key);
  } catch {
    return null;
  }
}

/** A key that nobody else makes. `crypto.randomUUID` exists on https pages alone. */
export function newKey(): string {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}
