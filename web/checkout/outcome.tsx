import { useFormat, useTexts } from '../shared/preferences.tsx';
import { Mark, MethodIcon, Tick } from './icons.tsx';
import type { CheckoutLink } from './link.ts';
import type { CheckoutOrder, CheckoutPayment } from './order.ts';
import { Spinner, useFocusedHeading } from './parts.tsx';
import type { Outcome } from './screen.ts';
import { texts } from './texts.ts';

type Ended = { readonly order: CheckoutOrder; readonly link: CheckoutLink };

/** The buyer's money has come: a receipt. */
export function DonePanel({
  order,
  link,
  outcome,
  payment,
}: Ended & { readonly outcome: Outcome; readonly payment: CheckoutPayment | null }) {
  const t = useTexts(texts);
  const { money, dateTime } = useFormat();
  const heading = useFocusedHeading();
  const merchant = order.merchant.name;
  const more = outcome === 'refunded' ? t('refundedMore') : t(`${outcome}More`, { merchant });
  return (
    <div className="state outcome" data-outcome={outcome}>
      {outcome === 'late' || outcome === 'lateAuthorized' ? <Mark kind="info" /> : <Tick />}
      <div role="status">
        <h2 ref={heading} tabIndex={-1}>
          {t(outcome)}
        </h2>
        <p className="muted">{more}</p>
      </div>
      <dl className="receipt">
        <div>
          <dt>{t('amountPaid')}</dt>
          <dd className="number">{money(order.total)}</dd>
        </div>
        {payment !== null && (
          <div>
            <dt>{t('paidWith')}</dt>
            <dd className="with-icon">
              <MethodIcon method={payment.method} />
              {t(payment.method)}
            </dd>
          </div>
        )}
        {payment?.succeededAt && (
          <div>
            <dt>{t('paidAt')}</dt>
            <dd className="number">{dateTime(payment.succeededAt)}</dd>
          </div>
        )}
        <div>
          <dt>{t('number')}</dt>
          <dd className="number">{order.number}</dd>
        </div>
      </dl>
      <BackToShop order={order} link={link} />
    </div>
  );
}

/** The order cannot be paid any more, or not now. */
export function OverPanel({ order, link, reason }: Ended & { readonly reason: 'canceled' | 'expired' | 'closing' }) {
  const t = useTexts(texts);
  const heading = useFocusedHeading();
  return (
    <div className="state">
      {reason === 'closing' ? <Spinner /> : <Mark kind={reason === 'expired' ? 'clock' : 'cross'} />}
      <div role="status">
        <h2 ref={heading} tabIndex={-1}>
          {t(reason)}
        </h2>
        <p className="muted">{t(`${reason}More`)}</p>
      </div>
      {reason !== 'closing' && <BackToShop order={order} link={link} />}
    </div>
  );
}

function BackToShop({ order, link: { returnUrl } }: Ended) {
  const t = useTexts(texts);
  const { name, allowsReturnTo } = order.merchant;
  if (returnUrl === null || !allowsReturnTo) return null;
  return (
    <a className="button brand wide" href={returnUrl}>
      {t('back', { merchant: name })}
    </a>
  );
}
