import type { Limits } from '../limits/limits.ts';
import { createQuota, type Place, type Quota } from '../limits/quota.ts';

/** The places of one socket. */
export type SocketPlaces = {
  /** Its caller is known now, and takes a place of its own. Returns the reason for closing; null when there is a place. */
  admit(principal: string): string | null;
  release(): void;
};

/** Counts the WebSockets of each client address and of each caller. */
export type SocketAdmission = {
  /** The reason for closing, as text, when the address has too many. */
  open(address: string): SocketPlaces | string;
};

export type SocketAdmissionParts = {
  readonly limits: Pick<Limits, 'socketsPerAddress' | 'anonymousSocketsPerAddress' | 'socketsPerPrincipal'>;
  /** Addresses that stand for many clients, such as this machine in development. */
  readonly isExempt: (address: string) => boolean;
};

type Principals = { readonly quota: Quota; readonly max: number };

class TakenPlaces implements SocketPlaces {
  readonly #ofAddress: Place;
  readonly #anonymous: Place;
  readonly #principals: Principals;
  #ofPrincipal: Place | null = null;

  constructor(ofAddress: Place, anonymous: Place, principals: Principals) {
    this.#ofAddress = ofAddress;
    this.#anonymous = anonymous;
    this.#principals = principals;
  }

  admit(principal: string): string | null {
    const { quota, max } = this.#principals;
    this.#ofPrincipal = quota.take(principal, max);
    if (this.#ofPrincipal === null) return `The caller has ${max} sockets, the maximum`;
    this.#anonymous.release();
    return null;
  }

  release(): void {
    this.#ofPrincipal?.release();
    this.#anonymous.release();
    this.#ofAddress.release();
  }
}

export function createSocketAdmission({ limits, isExempt }: SocketAdmissionParts): SocketAdmission {
  const { socketsPerAddress, anonymousSocketsPerAddress, socketsPerPrincipal } = limits;
  const addresses = createQuota();
  const anonymous = createQuota();
  const principals: Principals = { quota: createQuota(), max: socketsPerPrincipal };
  return {
    open(address) {
      const countsAddress = !isExempt(address);
      const ofAddress = addresses.take(address, countsAddress ? socketsPerAddress : Number.POSITIVE_INFINITY);
      if (ofAddress === null) return `This address has ${socketsPerAddress} sockets, the maximum`;
      const ofAnonymous = anonymous.take(
        address,
        countsAddress ? anonymousSocketsPerAddress : Number.POSITIVE_INFINITY,
      );
      if (ofAnonymous === null) {
        ofAddress.release();
        return `This address has ${anonymousSocketsPerAddress} sockets without a valid token, the maximum`;
      }
      return new TakenPlaces(ofAddress, ofAnonymous, principals);
    },
  };
}
