import { useTexts } from '../shared/preferences.tsx';
import { CapturePayment, RefundPayment } from './amount-actions.tsx';
import { AskProvider } from './ask-provider.tsx';
import { CancelPayment } from './cancel-actions.tsx';
import { EvidenceFact, Fact, FailureText } from './facts.tsx';
import type { OrderShown, PaymentShown } from './order-query.ts';
import { orderTexts } from './order-texts.ts';
import { useSession } from './session.ts';
import { Empty, Id, Money, Panel, Status, Time, useNames } from './ui.tsx';

type OrderPaymentsProps = { readonly order: OrderShown; readonly onDone: () => void };

/** The payments of an order, each with what may be done with it. */
export function OrderPayments({ order, onDone }: OrderPaymentsProps) {
  const t = useTexts(orderTexts);
  return (
    <Panel title={t('payments')} isFlush>
      {order.payments.length === 0 ? (
        <Empty title={t('noPayments')}>{t('noPaymentsHint')}</Empty>
      ) : (
        <ul className="cards">
          {order.payments.map((payment) => (
            <PaymentCard key={payment.id} payment={payment} order={order} onDone={onDone} />
          ))}
        </ul>
      )}
    </Panel>
  );
}

const cancelable: readonly string[] = ['ACTION_REQUIRED', 'AUTHORIZED'];
const askable: readonly string[] = ['ACTION_REQUIRED', 'PROCESSING', 'UNKNOWN', 'CANCELING'];

function PaymentCard({ payment, order, onDone }: OrderPaymentsProps & { readonly payment: PaymentShown }) {
  const t = useTexts(orderTexts);
  const name = useNames();
  const { viewer } = useSession();
  const { allowedActions } = order;
  const isStaff = viewer.role !== 'VIEWER';
  return (
    <li className="card" data-payment={payment.id}>
      <div className="card-head">
        <h3>
          {name('method', payment.method)} <span className="muted">{name('flow', payment.flow)}</span>
        </h3>
        <Status kind="payment" value={payment.status} />
        <span className="card-amount">
          <Money value={payment.amount} />
        </span>
      </div>
      <dl className="facts">
        <Fact name={t('id')}>
          <Id value={payment.id} what={t('id')} />
        </Fact>
        {payment.card !== null && (
          <Fact name={t('card')}>
            <span className="card-brand">{payment.card.brand}</span>{' '}
            <span className="number">•••• {payment.card.last4}</span>
          </Fact>
        )}
        {payment.providerPaymentId !== null && (
          <Fact name={t('providerId')}>
            <Id value={payment.providerPaymentId} what={t('providerId')} />
          </Fact>
        )}
        <Fact name={t('started')}>
          <Time value={payment.createdAt} />
        </Fact>
        {payment.captured.amountMinor > 0 && (
          <Fact name={t('captured')}>
            <Money value={payment.captured} />
          </Fact>
        )}
        {payment.captureRequested !== null && (
          <Fact name={t('captureRequested')}>
            <Money value={payment.captureRequested} />
          </Fact>
        )}
        <EvidenceFact evidence={payment.evidence} />
        {payment.nextCheckAt !== null && (
          <Fact name={t('nextCheck')}>
            <Time value={payment.nextCheckAt} />
          </Fact>
        )}
      </dl>
      <FailureText failure={payment.failure} />
      {isStaff && (
        <div className="actions">
          {allowedActions.includes('CAPTURE') && payment.status === 'AUTHORIZED' && (
            <CapturePayment payment={payment} onDone={onDone} />
          )}
          {allowedActions.includes('REFUND') && payment.refundable.amountMinor > 0 && (
            <RefundPayment payment={payment} onDone={onDone} />
          )}
          {askable.includes(payment.status) && <AskProvider paymentId={payment.id} onDone={onDone} />}
          {cancelable.includes(payment.status) && <CancelPayment payment={payment} onDone={onDone} />}
        </div>
      )}
    </li>
  );
}
