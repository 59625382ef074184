import type { Customer } from './session.ts';

/** The dashboard signs in by the fragment of its address, which no request contains. */
export function dashboardLink({ dashboardToken }: Customer, orderId: string | null): string {
  const place = orderId === null ? '/dashboard' : `/dashboard/orders/${orderId}`;
  return `${place}#token=${encodeURIComponent(dashboardToken)}`;
}

/** The address of an order's checkout. It leads back to this page. */
export function checkoutLink(orderId: string, clientToken: string): string {
  const back = encodeURIComponent(`${location.origin}/shop`);
  return `/checkout/${orderId}#${clientToken}&return=${back}`;
}
