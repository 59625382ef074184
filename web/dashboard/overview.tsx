import type { OrderEvent } from '@paystream/client';
import { memo } from 'react';
import { useTexts } from '../shared/preferences.tsx';
import { defineTexts } from '../shared/text.ts';
import { toneOfEvent, useEventNames } from './event-names.ts';
import { useLiveState } from './live.ts';
import { Link } from './router.tsx';
import { Sales } from './sales.tsx';
import { Empty, Money, Panel, Skeleton, Time, useNames } from './ui.tsx';

const texts = defineTexts(
  {
    title: 'Overview',
    feed: 'Live feed',
    received: { one: '{count} new event', other: '{count} new events' },
    none: 'Nothing has happened yet',
    noneHint: 'Each change of an order appears here as it happens.',
  },
  {
    title: '概览',
    feed: '实时动态',
    received: '{count} 个新事件',
    none: '暂无动态',
    noneHint: '订单的每次变化都会实时显示在这里。',
  },
);

export function Overview() {
  const t = useTexts(texts);
  return (
    <>
      <div className="page-head">
        <h1>{t('title')}</h1>
      </div>
      <div className="columns overview">
        <div className="column-wide">
          <Sales />
        </div>
        <div className="column-narrow">
          <Feed />
        </div>
      </div>
    </>
  );
}

function Feed() {
  const t = useTexts(texts);
  const { feed, isLoaded, received } = useLiveState();
  return (
    <Panel title={t('feed')} aside={<span className="muted">{t('received', { count: received })}</span>} isFlush>
      {!isLoaded && <Skeleton rows={6} />}
      {isLoaded && feed.length === 0 && <Empty title={t('none')}>{t('noneHint')}</Empty>}
      <ol className="feed">
        {feed.map((event) => (
          <FeedRow key={event.id} event={event} />
        ))}
      </ol>
    </Panel>
  );
}

/** A row never changes, so it is drawn once, however many follow. */
const FeedRow = memo(function FeedRow({ event }: { readonly event: OrderEvent }) {
  const name = useNames();
  const nameEvent = useEventNames();
  return (
    <li className="feed-row" data-tone={toneOfEvent(event)} data-event={event.id}>
      <Time value={event.occurredAt} isShort />
      <span className="feed-what">
        {nameEvent(event)}
        {event.paymentMethod !== null && <span className="muted"> {name('method', event.paymentMethod)}</span>}
      </span>
      <Link to={`/orders/${event.orderId}`} className="feed-order" title={event.orderNumber}>
        {event.orderNumber}
      </Link>
      <span className="feed-amount">{event.amount !== null && <Money value={event.amount} />}</span>
    </li>
  );
});
