import { createPaystreamClient, type PaystreamClient, PaystreamError } from '@paystream/client';
import { createContext, useContext } from 'react';
import type { ViewerQuery, ViewerQueryVariables } from '../../generated/web/operations.ts';
import { operation } from '../shared/operation.ts';

export type Viewer = NonNullable<ViewerQuery['viewer']>;

/** A person who is signed in. */
export type Session = {
  readonly client: PaystreamClient;
  /** The bearer token, for downloads, which the client does not make. */
  readonly token: string;
  readonly viewer: Viewer;
  /** Forgets the token. */
  end(): void;
};

export const viewerQuery = operation<ViewerQuery, ViewerQueryVariables>(/* GraphQL */ `
  query Viewer {
    viewer {
      id
      kind
      role
      merchant {
        id
        name
      }
    }
  }
`);

const staff: readonly string[] = ['MERCHANT', 'OPERATOR', 'VIEWER'];

/** Why nobody can sign in with a token. */
export type Refusal = 'invalid' | 'notStaff' | 'unreachable';

/** Asks the API who the bearer of the token is. */
export async function signIn(token: string, end: () => void): Promise<Session | Refusal> {
  if (!/^[!-~]+$/.test(token)) return 'invalid'; // it could not be sent in a header
  const client = createPaystreamClient({ url: '/graphql', token });
  try {
    const { viewer } = await client.request(viewerQuery, {});
    return viewer !== null && staff.includes(viewer.role) ? { client, token, viewer, end } : 'notStaff';
  } catch (error) {
    if (!(error instanceof PaystreamError)) throw error;
    if (error.code === 'UNAUTHENTICATED') return 'invalid';
    return error.code === 'FORBIDDEN' ? 'notStaff' : 'unreachable';
  }
}

const retryMs = 2000;

/** Whether the API refuses the token for good. Asks until the server answers, or the signal ends it. */
export async function isRefused(token: string, signal: AbortSignal): Promise<boolean> {
  while (!signal.aborted) {
    const answer = await signIn(token, () => undefined);
    if (answer !== 'unreachable') return typeof answer === 'string';
    await new Promise((resolve) => setTimeout(resolve, retryMs));
  }
  return false;
}

const key = 'paystream.token';

/**
 * The token of the link that the start prints, in the fragment of the address, or else the one that was kept. The fragment is removed at once:
 * an address is shown, copied and stored in the history.
 */
export function takeToken(): string | null {
  const given = tokenIn(location.hash);
  if (given !== null) {
    history.replaceState(null, '', location.pathname + location.search);
    keepToken(given, false);
    return given;
  }
  return stored('sessionStorage') ?? stored('localStorage');
}

/** The token in the fragment of a sign-in link, `#token=…`; null when there is none. */
export function tokenIn(fragment: string): string | null {
  return new URLSearchParams(fragment.slice(1)).get('token');
}

/** @param remembers for other tabs and later, too. */
export function keepToken(token: string, remembers: boolean): void {
  forgetToken();
  try {
    (remembers ? localStorage : sessionStorage).setItem(key, token);
  } catch {
    // storage is full or forbidden: the token lasts as long as the page
  }
}

export function forgetToken(): void {
  for (const name of ['sessionStorage', 'localStorage'] as const) {
    try {
      window[name].removeItem(key);
    } catch {
      // see `stored`
    }
  }
}

/** A browser that blocks the data of sites throws when a storage is touched. Nothing was kept there then. */
function stored(name: 'sessionStorage' | 'localStorage'): string | null {
  try {
    return window[name].getItem(key);
  } catch {
    return null;
  }
}

export const SessionContext = createContext<Session | null>(null);

export function useSession(): Session {
  const session = useContext(SessionContext);
  if (session === null) throw new Error('useSession is used outside of a session.');
  return session;
}
