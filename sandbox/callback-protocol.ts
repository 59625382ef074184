import type { CallbackFault } from './faults.ts';
import type { ProviderKey } from './provider-key.ts';

/** A callback of a provider. It is written and signed anew for each attempt to deliver it. */
export type Callback = {
  readonly eventId: string;
  readonly type: string;
  readonly content: string;
  /** The URL that the payment named. Null or absent: the URL of the webhook settings. */
  readonly url?: string | null;
};

/** A callback of Alipay or WeChat Pay as the ledger keeps it: `content` is JSON, without the fields that each attempt writes anew. */
export type NotificationRow = { readonly id: string; readonly type: string; readonly content: string };

/** One attempt, byte for byte as it is posted. */
export type SignedCallback = { readonly headers: Readonly<Record<string, string>>; readonly body: string };

/** How one provider writes and signs its callbacks. The rest of a delivery is the same for all providers. */
export type CallbackProtocol = {
  readonly provider: ProviderKey;
  /**
   * Writes and signs one attempt. `wrong` makes a signature that a merchant must refuse. `probe` makes the invalid signature by
   * which a provider tests whether a merchant verifies, if the provider has one; else the same as `wrong`.
   */
  readonly write: (content: string, atSeconds: number, signature: 'right' | 'wrong' | 'probe') => SignedCallback;
  /** The same body with a change that its signature does not cover. */
  readonly altered: (body: string) => string;
  /** True when the response of the receiver ends the retries. */
  readonly isAcknowledged: (status: number, body: string) => boolean;
  /** The same content with another amount. */
  readonly withWrongAmount: (content: string) => string;
  /** The same content with an undocumented status. */
  readonly withUnknownStatus: (content: string) => string;
  /** The same content with amounts that are not numbers. */
  readonly withoutAmount: (content: string) => string;
  /** The same content to be written in GBK; unchanged for a provider that does not use GBK. */
  readonly inGbk: (content: string) => string;
  /** The same content about another account whose callbacks share the URL and the signing key. */
  readonly ofAnotherAccount: (content: string) => string;
};

/** The fault of a delivery. `alter`, `stale` and `probe` affect only the first attempt. */
export type DeliveryFault = Extract<
  CallbackFault,
  'forge' | 'alter' | 'stale' | 'probe' | 'wrong_amount' | 'unknown_status' | 'unreadable' | 'gbk' | 'another_account'
>;

const staleSeconds = 600;

/** Writes and signs one attempt with the fault of its delivery. */
export function writeAttempt(
  protocol: CallbackProtocol,
  content: string,
  nowSeconds: number,
  fault: DeliveryFault | null,
  isFirst: boolean,
): SignedCallback {
  const atSeconds = fault === 'stale' && isFirst ? nowSeconds - staleSeconds : nowSeconds;
  const signature = fault === 'forge' ? 'wrong' : fault === 'probe' && isFirst ? 'probe' : 'right';
  const { headers, body } = protocol.write(faultyContent(protocol, content, fault), atSeconds, signature);
  return { headers, body: fault === 'alter' && isFirst ? protocol.altered(body) : body };
}

function faultyContent(protocol: CallbackProtocol, content: string, fault: DeliveryFault | null): string {
  switch (fault) {
    case 'wrong_amount':
      return protocol.withWrongAmount(content);
    case 'unknown_status':
      return protocol.withUnknownStatus(content);
    case 'unreadable':
      return protocol.withoutAmount(content);
    case 'gbk':
      return protocol.inGbk(content);
    case 'another_account':
      return protocol.ofAnotherAccount(content);
    default:
      return content;
  }
}
