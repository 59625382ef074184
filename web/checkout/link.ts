/**
 * What the address of a checkout says: `/checkout/<order>#<clientToken>`, and optionally `&return=<address of the shop>` behind the token.
 * The part behind `#` never leaves the browser: it is in no request, no log and no Referer.
 */
export type CheckoutLink = {
  readonly orderId: string;
  readonly token: string;
  /** Where the buyer goes on afterwards; null when the link does not say. The server decides whether the merchant allows it. */
  readonly returnUrl: string | null;
};

/** The parts of the browser that a link needs. */
type Address = Pick<URL, 'origin' | 'pathname' | 'search' | 'hash'>;
type Entries = { readonly state: unknown; replaceState(state: unknown, title: string, address: string): void };
type Store = {
  getItem(key: string): string | null;
  setItem(key: string, value: string): void;
  removeItem(key: string): void;
};
export type Storages = { readonly tab: Store; readonly device: Store };

type Kept = { readonly token: string; readonly returnUrl: string | null };

const prefix = 'paystream.checkout.';

/**
 * Reads the link, moves its token from the address bar to this tab's storage, and finds it there after a reload. Null when there is no token
 * here: the address was copied without it, or opened in another tab.
 *
 * A provider's app may open the return address in a new tab, which has no storage of its own. For that time `lend` leaves the token on the
 * device, and this takes it back.
 */
export function openLink(location: Address, history: Entries, { tab, device }: Storages): CheckoutLink | null {
  const orderId = location.pathname.split('/')[2] ?? '';
  if (orderId === '') return null;
  const given = readFragment(location.hash);
  if (given !== null) {
    write(tab, prefix + orderId, given);
    history.replaceState(history.state, '', location.pathname + location.search);
  }
  const kept = given ?? readKept(tab, prefix + orderId) ?? readLent(device, orderId);
  if (kept === null) return null;
  if (given === null) write(tab, prefix + orderId, kept);
  return { orderId, ...kept };
}

/** Leaves the token on the device for a return in another tab, until the given time in milliseconds. */
export function lend(device: Store, { orderId, token, returnUrl }: CheckoutLink, untilMs: number): void {
  write(device, `${prefix}lent.${orderId}`, { token, returnUrl, untilMs });
}

/** Takes the token off the device. The tab still has it. */
export function takeBack(device: Store, orderId: string): void {
  device.removeItem(`${prefix}lent.${orderId}`);
}

/** True for the address that the provider sent the buyer back to. */
export function isReturn(location: Address): boolean {
  return new URLSearchParams(location.search).has('back');
}

/** The address to which a provider sends the buyer back: this page, without the token. */
export function returnAddress(location: Address): string {
  return `${location.origin}${location.pathname}?back`;
}

/** The token and the way back behind the `#` of a link; null when there is no token. */
export function readFragment(hash: string): Kept | null {
  const [token = '', ...rest] = hash.replace(/^#/, '').split('&');
  if (token === '') return null;
  return { token, returnUrl: webAddress(new URLSearchParams(rest.join('&')).get('return')) };
}

/** Only http and https: a link must not run a script. */
function webAddress(text: string | null): string | null {
  const url = text !== null && URL.canParse(text) ? new URL(text) : null;
  return url !== null && /^https?:$/.test(url.protocol) ? url.href : null;
}

function readKept(storage: Store, key: string): Kept | null {
  const kept = parse(storage.getItem(key));
  if (typeof kept?.token !== 'string') return null;
  return { token: kept.token, returnUrl: webAddress(typeof kept.returnUrl === 'string' ? kept.returnUrl : null) };
}

function readLent(device: Store, orderId: string): Kept | null {
  const key = `${prefix}lent.${orderId}`;
  const untilMs = parse(device.getItem(key))?.untilMs;
  if (typeof untilMs !== 'number' || untilMs < Date.now()) {
    device.removeItem(key);
    return null;
  }
  return readKept(device, key);
}

function write(storage: Store, key: string, value: object): void {
  storage.setItem(key, JSON.stringify(value));
}

function parse(text: string | null): Record<string, unknown> | null {
  try {
    const value: unknown = text === null ? null : JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}
