/** A customer of the shop, as its login would give one to the page. */
export type Customer = {
  readonly token: string;
  readonly customerId: string;
  readonly expiresAt: string;
  /** The token of the merchant in development, for the link to the dashboard. */
  readonly dashboardToken: string;
};

const key = 'paystream.shop.customer';
/** A token that ends sooner than this is replaced. */
const leftMsMin = 60_000;

let opening: Promise<Customer> | null = null;

/** The customer of this tab, or a new one: the same for all that ask at once. @throws {Error} with a sentence of the server. */
export async function openCustomer(): Promise<Customer> {
  const kept = read();
  if (kept !== null) return kept;
  opening ??= makeCustomer().finally(() => {
    opening = null;
  });
  return opening;
}

async function makeCustomer(): Promise<Customer> {
  const answer = await fetch('/shop/session', { method: 'POST' });
  const body = (await answer.json()) as Customer & { readonly error?: string };
  if (!answer.ok) throw new Error(body.error ?? `The server answered ${answer.status}.`);
  write(JSON.stringify(body));
  return body;
}

/** Forgets a customer, as when the server does not accept the token any more. A newer one is kept. */
export function forgetCustomer({ token }: Customer): void {
  if (read()?.token === token) write(null);
}

function read(): Customer | null {
  try {
    const kept = JSON.parse(sessionStorage.getItem(key) ?? 'null') as Customer | null;
    return kept !== null && Date.parse(kept.expiresAt) > Date.now() + leftMsMin ? kept : null;
  } catch {
    return null; // storage is forbidden, or another program wrote there
  }
}

function write(text: string | null): void {
  try {
    if (text === null) sessionStorage.removeItem(key);
    else sessionStorage.setItem(key, text);
  } catch {
    // The next load gets another customer.
  }
}
