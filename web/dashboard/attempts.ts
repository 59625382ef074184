/** What a person decided to do: the key of the intent, and the input that it belongs to. */
export type Attempt<Input> = { readonly key: string; readonly input: Input };

const prefix = 'paystream.attempt.';

/**
 * An attempt whose outcome is not known is kept until it is, also over a reload: it is repeated with the same key and the same input, so that a
 * refund whose answer was lost is not made twice.
 */
export function keptAttempt<Input>(name: string): Attempt<Input> | null {
  try {
    const text = sessionStorage.getItem(prefix + name);
    return text === null ? null : (JSON.parse(text) as Attempt<Input>);
  } catch {
    return null;
  }
}

export function keepAttempt<Input>(name: string, attempt: Attempt<Input>): void {
  sessionStorage.setItem(prefix + name, JSON.stringify(attempt));
}

export function forgetAttempt(name: string): void {
  sessionStorage.removeItem(prefix + name);
}

/** A key that nobody else makes. `crypto.randomUUID` exists on https pages alone. */
export function newKey(): string {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}
