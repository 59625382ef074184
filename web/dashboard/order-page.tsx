import { type OrderEvent, PaystreamError } from '@paystream/client';
import { useState } from 'react';
import type { RefreshPaymentMutation, RefreshPaymentMutationVariables } from '../../generated/web/operations.ts';
import { operation } from '../shared/operation.ts';
import { useFormat, useTexts } from '../shared/preferences.tsx';
import { actionTexts } from './action-texts.ts';
import { Callbacks } from './callbacks.tsx';
import { useEvents } from './live.ts';
import { CancelOrder, CancelPayment, CapturePayment, DecideRefund, RefundPayment } from './order-actions.tsx';
import { type EventShown, type OrderShown, orderQuery, type PaymentShown, type RefundShown } from './order-query.ts';
import { orderTexts } from './order-texts.ts';
import { ResolveReview } from './resolve-review.tsx';
import { Link } from './router.tsx';
import { useSession } from './session.ts';
import { toneOf } from './statuses.ts';
import { Empty, Failure, Icon, Id, Money, Panel, Skeleton, Status, Time, useNames } from './ui.tsx';
import { useQuery } from './use-query.ts';

export function OrderPage({ id }: { readonly id: string }) {
  const t = useTexts(orderTexts);
  const { data, error, reload } = useQuery(orderQuery, { id }, ({ orderId }) => orderId === id);
  const later = useLaterEvents(id);
  const back = (
    <Link to="/orders" className="back">
      <Icon name="left" />
      {t('orders')}
    </Link>
  );
  if (data === null) {
    return (
      <>
        {back}
        <section className="panel">
          {error === null ? <Skeleton rows={8} /> : <Failure error={error} onRetry={reload} />}
        </section>
      </>
    );
  }
  const { order } = data;
  if (order === null) {
    return (
      <>
        {back}
        <section className="panel">
          <Empty title={t('noOrder')}>{t('noOrderHint')}</Empty>
        </section>
      </>
    );
  }
  return (
    <>
      {back}
      <Head order={order} onDone={reload} />
      {order.needsReview.length > 0 && <Review order={order} onDone={reload} />}
      <div className="columns">
        <div className="column-wide">
          <Lines order={order} />
          <Payments order={order} onDone={reload} />
          {order.refunds.length > 0 && <Refunds order={order} onDone={reload} />}
          {order.deliveries !== null && order.deliveries.nodes.length > 0 && (
            <Callbacks deliveries={order.deliveries.nodes} onDone={reload} />
          )}
        </div>
        <div className="column-narrow">
          <Facts order={order} />
          <Timeline order={order} later={later} />
        </div>
      </div>
    </>
  );
}

/** The events of the order that arrive while the page is shown: the timeline has them at once, and beyond the page that was read. */
function useLaterEvents(id: string): readonly OrderEvent[] {
  const [later, setLater] = useState<readonly OrderEvent[]>([]);
  useEvents((events) => {
    const own = events.filter(({ orderId }) => orderId === id);
    if (own.length > 0) setLater((before) => [...before, ...own]);
  });
  return later;
}

type Part = { readonly order: OrderShown; readonly onDone: () => void };

function Head({ order, onDone }: Part) {
  const t = useTexts(orderTexts);
  return (
    <div className="page-head order-head">
      <div>
        <h1>
          {t('order', { number: order.number })} <Status kind="order" value={order.status} />{' '}
          <Status kind="paid" value={order.paymentStatus} />
        </h1>
        <Id value={order.id} what={t('id')} />
      </div>
      <div className="order-total">
        <span className="total number">
          <Money value={order.total} />
        </span>
        {order.allowedActions.includes('CANCEL') && <CancelOrder order={order} onDone={onDone} />}
      </div>
    </div>
  );
}

function Review({ order, onDone }: Part) {
  const t = useTexts(orderTexts);
  const { viewer } = useSession();
  return (
    <div className="notice" data-tone="warn">
      <Icon name="warning" />
      <p>
        {t('needsReview')}{' '}
        {order.needsReview.map((reason) => (
          <Status key={reason} kind="review" value={reason} />
        ))}
      </p>
      {viewer.role !== 'VIEWER' && <ResolveReview order={order} onDone={onDone} />}
    </div>
  );
}

function Lines({ order }: { readonly order: OrderShown }) {
  const t = useTexts(orderTexts);
  return (
    <Panel title={t('lines')} isFlush>
      <table className="table lines">
        <thead>
          <tr>
            <th scope="col">{t('item')}</th>
            <th scope="col" className="right">
              {t('quantity')}
            </th>
            <th scope="col" className="right">
              {t('price')}
            </th>
            <th scope="col" className="right">
              {t('sum')}
            </th>
          </tr>
        </thead>
        <tbody>
          {order.lines.map((line, index) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: the lines of an order never change
            <tr key={index}>
              <td>
                {line.name}
                {line.sku !== null && <code className="sku">{line.sku}</code>}
              </td>
              <td className="right number">{line.quantity}</td>
              <td className="right">
                <Money value={line.unitPrice} />
              </td>
              <td className="right">
                <Money value={line.total} />
              </td>
            </tr>
          ))}
        </tbody>
        <tfoot>
          <tr>
            <th scope="row" colSpan={3}>
              {t('total')}
            </th>
            <td className="right">
              <Money value={order.total} />
            </td>
          </tr>
        </tfoot>
      </table>
    </Panel>
  );
}

function Payments({ order, onDone }: Part) {
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

function PaymentCard({ payment, order, onDone }: { readonly payment: PaymentShown } & Part) {
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

const refreshPayment = operation<RefreshPaymentMutation, RefreshPaymentMutationVariables>(/* GraphQL */ `
  mutation RefreshPayment($paymentId: ID!) {
    outcome: refreshPayment(paymentId: $paymentId) {
      __typename
      ... on Error {
        code
        message
      }
    }
  }
`);

/** Asks the provider for the state of a payment. It moves no money, so it is not confirmed. */
export function AskProvider({ paymentId, onDone }: { readonly paymentId: string; readonly onDone: () => void }) {
  const t = useTexts(actionTexts);
  const { client, end } = useSession();
  const [state, setState] = useState<'idle' | 'busy' | 'failed'>('idle');
  const ask = async () => {
    setState('busy');
    try {
      const { outcome } = await client.request(refreshPayment, { paymentId });
      setState(outcome === null || 'code' in outcome ? 'failed' : 'idle');
      onDone();
    } catch (error) {
      if (!(error instanceof PaystreamError)) throw error;
      if (error.code === 'UNAUTHENTICATED') return end();
      setState('failed');
    }
  };
  return (
    <>
      <button type="button" className="button" disabled={state === 'busy'} onClick={() => void ask()}>
        <Icon name="refresh" />
        {state === 'busy' ? t('asking') : t('ask')}
      </button>
      <span role="status" className="form-problem">
        {state === 'failed' ? t('askFailed') : ''}
      </span>
    </>
  );
}

function Refunds({ order, onDone }: Part) {
  const t = useTexts(orderTexts);
  return (
    <Panel title={t('refunds')} isFlush>
      <ul className="cards">
        {order.refunds.map((refund) => (
          <RefundCard key={refund.id} refund={refund} onDone={onDone} />
        ))}
      </ul>
    </Panel>
  );
}

function RefundCard({ refund, onDone }: { readonly refund: RefundShown; readonly onDone: () => void }) {
  const t = useTexts(orderTexts);
  const name = useNames();
  const waits = refund.approval === 'NEEDED';
  return (
    <li className="card" data-refund={refund.id}>
      <div className="card-head">
        <h3>
          {name('method', refund.payment.method)} <span className="muted">{name('origin', refund.origin)}</span>
        </h3>
        {refund.approval !== null && <Status kind="approval" value={refund.approval} />}
        {!waits && <Status kind="refund" value={refund.status} />}
        <span className="card-amount">
          <Money value={refund.amount} />
        </span>
      </div>
      <dl className="facts">
        <Fact name={t('id')}>
          <Id value={refund.id} what={t('id')} />
        </Fact>
        {refund.providerRefundId !== null && (
          <Fact name={t('providerId')}>
            <Id value={refund.providerRefundId} what={t('providerId')} />
          </Fact>
        )}
        <Fact name={t('requested')}>
          <Time value={refund.createdAt} />
          {refund.requestedBy !== null && (
            <>
              {' · '}
              <ActorName actor={refund.requestedBy} />
            </>
          )}
        </Fact>
        {refund.decidedBy !== null && (
          <Fact name={t('decided')}>
            <ActorName actor={refund.decidedBy} />
          </Fact>
        )}
        {refund.reason !== null && <Fact name={t('reason')}>{refund.reason}</Fact>}
        <EvidenceFact evidence={refund.evidence} />
        {refund.nextCheckAt !== null && (
          <Fact name={t('nextCheck')}>
            <Time value={refund.nextCheckAt} />
          </Fact>
        )}
      </dl>
      <FailureText failure={refund.failure} />
      {waits && <DecideRefund refund={refund} onDone={onDone} />}
    </li>
  );
}

function Facts({ order }: { readonly order: OrderShown }) {
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

function Timeline({ order, later }: { readonly order: OrderShown; readonly later: readonly OrderEvent[] }) {
  const t = useTexts(orderTexts);
  const format = useFormat();
  const name = useNames();
  const bySequence = new Map<number, EventShown>(
    [...order.events.nodes, ...later].map((event) => [event.sequence, event]),
  );
  const events = [...bySequence.values()].sort((one, other) => other.sequence - one.sequence);
  return (
    <Panel title={t('timeline')}>
      <ol className="timeline" reversed>
        {events.map((event) => (
          <li key={event.sequence} data-tone={toneOf('event', event.type)}>
            <p className="timeline-what">
              {name('event', event.type)}
              {event.amount !== null && <span className="muted"> {format.money(event.amount)}</span>}
            </p>
            {event.note !== null && <p className="timeline-note">{event.note}</p>}
            <p className="muted timeline-who">
              <time dateTime={event.occurredAt} title={format.exactTime(event.occurredAt)}>
                {format.day(event.occurredAt)} {format.timeOfDay(event.occurredAt)}
              </time>
              {event.actor !== null && (
                <>
                  {' · '}
                  <ActorName actor={event.actor} />
                </>
              )}
            </p>
          </li>
        ))}
      </ol>
      {order.events.pageInfo.hasNextPage && <p className="muted">{t('moreEvents')}</p>}
    </Panel>
  );
}

function ActorName({ actor }: { readonly actor: { readonly kind: string; readonly id: string | null } }) {
  const name = useNames();
  return (
    <span className="actor">
      {name('actor', actor.kind)}
      {actor.id !== null && actor.kind !== 'BUYER' && <span className="actor-id"> {actor.id}</span>}
    </span>
  );
}

function Fact({ name, children }: { readonly name: string; readonly children: React.ReactNode }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

function EvidenceFact({ evidence }: { readonly evidence: PaymentShown['evidence'] }) {
  const t = useTexts(orderTexts);
  const name = useNames();
  if (evidence === null) return null;
  return (
    <Fact name={t('evidence')}>
      {name('evidence', evidence.source)} · <Time value={evidence.receivedAt} />
    </Fact>
  );
}

function FailureText({ failure }: { readonly failure: PaymentShown['failure'] }) {
  if (failure === null) return null;
  return (
    <p className="failure">
      {failure.message}
      {failure.providerCode !== null && <code> {failure.providerCode}</code>}
    </p>
  );
}
