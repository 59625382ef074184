import type { OrderEvent } from '@paystream/client';
import { useState } from 'react';
import { useFormat, useTexts } from '../shared/preferences.tsx';
import { isFailedAttempt, toneOfEvent, useEventNames } from './event-names.ts';
import { ActorName, FailureMessage } from './facts.tsx';
import { useEvents } from './live.ts';
import type { EventShown, OrderShown } from './order-query.ts';
import { orderTexts } from './order-texts.ts';
import { Panel, useNames } from './ui.tsx';

type OrderTimelineProps = { readonly order: OrderShown; readonly later: readonly OrderEvent[] };

/** The events of an order, newest first. */
export function OrderTimeline({ order, later }: OrderTimelineProps) {
  const t = useTexts(orderTexts);
  const format = useFormat();
  const name = useNames();
  const nameEvent = useEventNames();
  const bySequence = new Map<number, EventShown>(
    [...order.events.nodes, ...later].map((event) => [event.sequence, event]),
  );
  const events = [...bySequence.values()].sort((one, other) => other.sequence - one.sequence);
  return (
    <Panel title={t('timeline')}>
      <ol className="timeline" reversed>
        {events.map((event) => (
          <li key={event.sequence} data-tone={toneOfEvent(event)}>
            <p className="timeline-what">
              {nameEvent(event)}
              {event.amount !== null && <span className="muted"> {format.money(event.amount)}</span>}
            </p>
            {event.failure !== null && (
              <p className="timeline-note">
                {!isFailedAttempt(event) && <>{name('failure', event.failure.reason)} · </>}
                <FailureMessage failure={event.failure} />
              </p>
            )}
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

/** The events of the order that arrive while the page is shown: the timeline has them at once, and beyond the page that was read. */
export function useLaterEvents(orderId: string): readonly OrderEvent[] {
  const [later, setLater] = useState<readonly OrderEvent[]>([]);
  useEvents((events) => {
    const own = events.filter((event) => event.orderId === orderId);
    if (own.length > 0) setLater((before) => [...before, ...own]);
  });
  return later;
}
