import { useTexts } from '../shared/preferences.tsx';
import { DecideRefund } from './decide-refund.tsx';
import { ActorName, EvidenceFact, Fact, FailureText } from './facts.tsx';
import type { OrderShown, RefundShown } from './order-query.ts';
import { orderTexts } from './order-texts.ts';
import { Id, Money, Panel, Status, Time, useNames } from './ui.tsx';

type OrderRefundsProps = { readonly order: OrderShown; readonly onDone: () => void };

/** The refunds of an order, with the decision for those that wait for one. */
export function OrderRefunds({ order, onDone }: OrderRefundsProps) {
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
