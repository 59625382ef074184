import { useTexts } from '../shared/preferences.tsx';
import { Fact } from './facts.tsx';
import type { OrderShown } from './order-query.ts';
import { orderTexts } from './order-texts.ts';
import { Money, Panel, Time, useNames } from './ui.tsx';

export function OrderFacts({ order }: { readonly order: OrderShown }) {
  const t = useTexts(orderTexts);
  const name = useNames();
  const sums = [
    [t('authorized'), order.authorized],
    [t('captured'), order.captured],
    [t('refunded'), order.refunded],
    [t('refundable'), order.refundable],
  ] as const;
  const metadata = Object.entries(order.metadata);
  return (
    <Panel title={t('facts')}>
      <dl className="facts stacked">
        {sums
          .filter(([, { amountMinor }]) => amountMinor > 0)
          .map(([label, amount]) => (
            <Fact key={label} name={label}>
              <Money value={amount} />
            </Fact>
          ))}
        <Fact name={t('created')}>
          <Time value={order.createdAt} />
        </Fact>
        <Fact name={t('expires')}>
          <Time value={order.expiresAt} />
        </Fact>
        {order.clientToken !== null && order.status === 'OPEN' && (
          <Fact name={t('checkout')}>
            <a href={`/checkout/${order.id}#${order.clientToken}`} target="_blank" rel="noreferrer">
              {t('openCheckout')}
            </a>
          </Fact>
        )}
        <Fact name={t('captureMode')}>{name('capture', order.captureMode)}</Fact>
        {order.customerId !== null && <Fact name={t('customer')}>{order.customerId}</Fact>}
        {order.description !== null && <Fact name={t('description')}>{order.description}</Fact>}
        {metadata.map(([key, value]) => (
          <Fact key={key} name={key}>
            {value}
          </Fact>
        ))}
      </dl>
    </Panel>
  );
}
