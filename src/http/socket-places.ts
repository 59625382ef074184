import type { Limits } from '../limits/limits.ts';
import { createQuota } from '../limits/quota.ts';

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

export function createSocketAdmission({ limits, isExempt }: SocketAdmissionParts): SocketAdmission {
  const { socketsPerAddress, anonymousSocketsPerAddress, socketsPerPrincipal } = limits;
  const addresses = createQuota();
  const anonymous = createQuota();
  const principals = createQuota();
  return {
    open(address) {
      const countsAddress = !isExempt(address);
      const ofAddress = addresses.take(address, countsAddress ? socketsPerAddress : Number.POSITIVE_INFINITY);
      if (ofAddress === null) return `This address has ${socketsPerAddress} sockets, the maximum`;
      const unknown = anonymous.take(address, countsAddress ? anonymousSocketsPerAddress : Number.POSITIVE_INFINITY);
      if (unknown === null) {
        ofAddress();
        return `This address has ${anonymousSocketsPerAddress} sockets without a valid token, the maximum`;
      }
      let ofPrincipal: (() => void) | null = null;
      return {
        admit(principal) {
          ofPrincipal = principals.take(principal, socketsPerPrincipal);
          if (ofPrincipal === null) return `The caller has ${socketsPerPrincipal} sockets, the maximum`;
          unknown();
          return null;
        },
        release() {
          ofPrincipal?.();
          unknown();
          ofAddress();
        },
      };
    },
  };
}
