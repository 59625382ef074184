import { type PaystreamClient, PaystreamError } from '@paystream/client';
import { useEffect, useState } from 'react';
import { useFormat, useTexts } from '../shared/preferences.tsx';
import { checkoutLink, dashboardLink } from './links.ts';
import { ordersOperation, type ShopOrder } from './operations.ts';
import { stateOf, toneOf } from './order-state.ts';
import type { Customer } from './session.ts';
import { texts } from './texts.ts';

/** The customer's newest orders. Those that are open change by themselves. */
export function Orders({ client, customer }: { readonly client: PaystreamClient; readonly customer: Customer }) {
  const t = useTexts(texts);
  const { money } = useFormat();
  const orders = useOrders(client);
  return (
    <section className="card" aria-labelledby="orders">
      <h2 id="orders">{t('orders')}</h2>
      {orders.length === 0 && <p className="muted">{t('noOrders')}</p>}
      <ul className="orders">
        {orders.map((order) => (
          <li key={order.id}>
            <span className="order-what">
              {order.lines.map(({ name, quantity }) => t('quantity', { quantity, name })).join(', ')}
            </span>
            <span className="number order-total">{money(order.total)}</span>
            <span className="badge" data-tone={toneOf(stateOf(order))}>
              {t(stateOf(order))}
            </span>
            <span className="order-links">
              {order.status === 'OPEN' && order.clientToken !== null && (
                <a href={checkoutLink(order.id, order.clientToken)}>{t('pay')}</a>
              )}
              <a href={dashboardLink(customer, order.id)}>{t('seeInDashboard')}</a>
            </span>
          </li>
        ))}
      </ul>
    </section>
  );
}

/** The time between two tries to read the orders, and the longest one for an answer. */
const readAgainMs = 2000;
const readMsMax = 10_000;

function useOrders(client: PaystreamClient): readonly ShopOrder[] {
  const [orders, setOrders] = useState<readonly ShopOrder[]>([]);
  const open = orders.filter(({ status }) => status === 'OPEN' || status === 'CLOSING');
  // Each open order with the position of this copy in its events: a change between the reading and the following is not missed.
  const followed = open.map(({ id, eventCursor }) => `${id} ${eventCursor}`).join();
  useEffect(() => {
    const leaving = new AbortController();
    let timer = 0;
    const read = async () => {
      try {
        const signal = AbortSignal.any([leaving.signal, AbortSignal.timeout(readMsMax)]);
        const { orders: found } = await client.request(ordersOperation, {}, { signal });
        setOrders(found?.nodes ?? []);
      } catch (error) {
        if (leaving.signal.aborted) return;
        const isLate = error instanceof DOMException && error.name === 'TimeoutError';
        if (!isLate && !(error instanceof PaystreamError)) throw error;
        window.clearTimeout(timer);
        timer = window.setTimeout(() => void read(), readAgainMs);
      }
    };
    const follow = async (orderId: string, after: string) => {
      try {
        for await (const _event of client.follow({ orderId }, { after, signal: leaving.signal })) return void read();
      } catch (error) {
        if (!leaving.signal.aborted && !(error instanceof PaystreamError)) throw error;
      }
    };
    if (followed === '') void read();
    for (const each of followed.split(',').filter(Boolean)) {
      const [orderId = '', after = ''] = each.split(' ');
      void follow(orderId, after);
    }
    return () => {
      leaving.abort();
      window.clearTimeout(timer);
    };
  }, [client, followed]);
  return orders;
}
