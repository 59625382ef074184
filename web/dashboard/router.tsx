import { type AnchorHTMLAttributes, type MouseEvent, useSyncExternalStore } from 'react';

const base = '/dashboard';
const changed = 'paystream:address';

/** The place within the dashboard: `/orders/ord_…`, and what follows the question mark. */
export type Place = { readonly path: string; readonly query: URLSearchParams };

function subscribe(notify: () => void): () => void {
  addEventListener('popstate', notify);
  addEventListener(changed, notify);
  return () => {
    removeEventListener('popstate', notify);
    removeEventListener(changed, notify);
  };
}

export function usePlace(): Place {
  const address = useSyncExternalStore(subscribe, () => location.pathname + location.search);
  const [path = '', query = ''] = address.split('?');
  return { path: path.slice(base.length).replace(/\/+$/, '') || '/', query: new URLSearchParams(query) };
}

/** Goes to a place within the dashboard. @param replaces the entry of the history, as for a filter that is being typed. */
export function navigate(place: string, replaces = false): void {
  const address = hrefOf(place);
  if (address === location.pathname + location.search) return;
  if (replaces) history.replaceState(null, '', address);
  else history.pushState(null, '', address);
  dispatchEvent(new Event(changed));
}

function hrefOf(place: string): string {
  const [path = '', query] = place.split('?');
  return `${base}${path === '/' ? '' : path}${query ? `?${query}` : ''}`;
}

type LinkProps = Omit<AnchorHTMLAttributes<HTMLAnchorElement>, 'href'> & { readonly to: string };

/** A link within the dashboard. New tabs and downloads work as for every link. */
export function Link({ to, onClick, ...rest }: LinkProps) {
  const follow = (event: MouseEvent<HTMLAnchorElement>) => {
    onClick?.(event);
    const isOwn = event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey && !event.altKey;
    if (event.defaultPrevented || !isOwn) return;
    event.preventDefault();
    navigate(to);
    scrollTo(0, 0);
  };
  return <a {...rest} href={hrefOf(to)} onClick={follow} />;
}
