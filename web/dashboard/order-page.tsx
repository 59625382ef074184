import { useTexts } from '../shared/preferences.tsx';
import { Callbacks } from './callbacks.tsx';
import { CancelOrder } from './cancel-actions.tsx';
import { OrderFacts } from './order-facts.tsx';
import { OrderLines } from './order-lines.tsx';
import { OrderPayments } from './order-payments.tsx';
import { type OrderShown, orderQuery } from './order-query.ts';
import { OrderRefunds } from './order-refunds.tsx';
import { orderTexts } from './order-texts.ts';
import { OrderTimeline, useLaterEvents } from './order-timeline.tsx';
import { ResolveReview } from './resolve-review.tsx';
import { Link } from './router.tsx';
import { useSession } from './session.ts';
import { usePageTitle } from './shown-page.ts';
import { Empty, Failure, Icon, Id, Money, Skeleton, Status } from './ui.tsx';
import { useQuery } from './use-query.ts';

export function OrderPage({ id }: { readonly id: string }) {
  const t = useTexts(orderTexts);
  const { data, error, reload } = useQuery(orderQuery, { id }, ({ orderId }) => orderId === id);
  const later = useLaterEvents(id);
  const number = data?.order?.number;
  usePageTitle(number === undefined ? t('orders') : t('order', { number }));
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
          <OrderLines order={order} />
          <OrderPayments order={order} onDone={reload} />
          {order.refunds.length > 0 && <OrderRefunds order={order} onDone={reload} />}
          {order.deliveries !== null && order.deliveries.nodes.length > 0 && (
            <Callbacks deliveries={order.deliveries.nodes} onDone={reload} />
          )}
        </div>
        <div className="column-narrow">
          <OrderFacts order={order} />
          <OrderTimeline order={order} later={later} />
        </div>
      </div>
    </>
  );
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
