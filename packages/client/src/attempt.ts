/**
 * One attempt to pay an order: which idempotency key the next call carries.
 *
 * The key is not random. It is computed from the order, the input and `after`, the last payment of the order that is over. Everybody who
 * decides to pay at the same point of the order's history has the same key: two tabs that start at the same instant, a page after a reload,
 * a page whose storage was lost, a second device. The server keeps one payment for each key. A new key exists only once a payment is over
 * or the buyer wants something else, and it names that payment, so that two tabs that try again share their key as well. No lock between
 * tabs is needed, and a write to the storage that is lost or overtaken leads to a key that was used before, never to a second charge.
 */
export type Attempt = {
  /** The last payment of the order that the attempt comes after; null for the first one. */
  readonly after: string | null;
  /** Null in state `none`. */
  readonly current: Current | null;
};

export type Current = {
  readonly key: string;
  /** Null until the server has answered: state `sent`; then state `open`. */
  readonly paymentId: string | null;
};

/**
 * `none`: no payment is known to be open. `sent`: a call was made, or is about to be, and no answer is known. `open`: the server has
 * a payment that may still be paid.
 */
export const attemptStates = ['none', 'sent', 'open'] as const;
export type AttemptState = (typeof attemptStates)[number];

/**
 * `call`: `pay` with the input of the current attempt, or with any in state `none`. `callOther`: `pay` with another input. `answeredOpen`,
 * `answeredPaid`, `answeredOver`: the server answered with a payment that may still be paid, is paid or authorized, or is over without money.
 * `refused`: the server answered that there is no payment. `lost`: no answer came, or one that says nothing. `heardPaid`, `heardOver`: an
 * event says so of the payment. `reload`: the page or the process started again, with the same storage.
 */
export const attemptInputs = [
  ...['call', 'callOther', 'answeredOpen', 'answeredPaid', 'answeredOver', 'refused', 'lost'],
  ...['heardPaid', 'heardOver', 'reload'],
] as const;
export type AttemptInput =
  | 'call'
  | 'callOther'
  | 'answeredOpen'
  | 'answeredPaid'
  | 'answeredOver'
  | 'refused'
  | 'lost'
  | 'heardPaid'
  | 'heardOver'
  | 'reload';

/**
 * What happens to the attempt. `begin`: a key is made and stored before the call. `keep`: nothing changes, and a call carries the same key.
 * `replace`: as `begin`, for another input; a known payment becomes `after`. `record`: the id of the payment is stored. `forget`: there is
 * nothing to repeat. `finish`: the payment becomes `after`, so that the next call has a new key.
 */
export type AttemptEffect = 'begin' | 'keep' | 'replace' | 'record' | 'forget' | 'finish';

/** What each input does in each state. The same table is in the documentation of the package. */
export const attemptTable: Readonly<Record<AttemptState, Readonly<Record<AttemptInput, AttemptEffect>>>> = {
  none: {
    call: 'begin',
    callOther: 'begin',
    // Answers to a call whose attempt another tab has ended meanwhile.
    answeredOpen: 'keep',
    answeredPaid: 'keep',
    answeredOver: 'keep',
    refused: 'keep',
    lost: 'keep',
    heardPaid: 'keep',
    heardOver: 'keep',
    reload: 'keep',
  },
  sent: {
    call: 'keep',
    callOther: 'replace',
    answeredOpen: 'record',
    answeredPaid: 'forget',
    answeredOver: 'finish',
    refused: 'forget', // the server did not take the key: the next attempt may have it again
    lost: 'keep',
    heardPaid: 'keep', // of a payment that is not known to be this one
    heardOver: 'keep',
    reload: 'keep',
  },
  open: {
    call: 'keep',
    callOther: 'replace',
    answeredOpen: 'record',
    answeredPaid: 'forget',
    answeredOver: 'finish',
    refused: 'keep', // the payment is there all the same
    lost: 'keep',
    heardPaid: 'forget',
    heardOver: 'finish',
    reload: 'keep',
  },
};

export function stateOf({ current }: Attempt): AttemptState {
  if (current === null) return 'none';
  return current.paymentId === null ? 'sent' : 'open';
}

/** @param about the key of the call and the payment that the input is about. */
export function step(
  attempt: Attempt,
  input: AttemptInput,
  about: { readonly key: string; readonly paymentId: string | null },
): Attempt {
  const { current, after } = attempt;
  switch (attemptTable[stateOf(attempt)][input]) {
    case 'begin':
      return { after, current: { key: about.key, paymentId: null } };
    case 'keep':
      return attempt;
    case 'replace':
      return { after: current?.paymentId ?? after, current: { key: about.key, paymentId: null } };
    case 'record':
      return { after, current: { key: about.key, paymentId: about.paymentId } };
    case 'forget':
      return { after, current: null };
    case 'finish':
      return { after: about.paymentId ?? after, current: null };
  }
}

/** The parts of the input that make it another intent. */
export type Intent = {
  readonly orderId: string;
  readonly method: string;
  readonly flow: string | null;
  readonly returnUrl: string | null;
  readonly openId: string | null;
  readonly buyerIp: string | null;
};

/** The idempotency key of an intent after a payment: at most 100 characters. */
export function keyOf({ orderId, method, flow, returnUrl, openId, buyerIp }: Intent, after: string | null): string {
  const text = JSON.stringify([orderId, method, flow, returnUrl, openId, buyerIp, after]);
  return `client-1-${orderId.slice(0, 60)}-${hash(text, 1)}${hash(text, 2)}`;
}

/**
 * 53 bits of a text as hexadecimal digits (cyrb53). It has to tell inputs of one order apart, not to keep secrets: should two have the same
 * key, the server refuses the second.
 */
function hash(text: string, seed: number): string {
  let one = 0xdeadbeef ^ seed;
  let two = 0x41c6ce57 ^ seed;
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index);
    one = Math.imul(one ^ code, 2654435761);
    two = Math.imul(two ^ code, 1597334677);
  }
  one = Math.imul(one ^ (one >>> 16), 2246822507) ^ Math.imul(two ^ (two >>> 13), 3266489909);
  two = Math.imul(two ^ (two >>> 16), 2246822507) ^ Math.imul(one ^ (one >>> 13), 3266489909);
  return (4294967296 * (2097151 & two) + (one >>> 0)).toString(16).padStart(14, '0');
}
