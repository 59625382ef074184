import { useEffect } from 'react';
import { useTexts } from '../shared/preferences.tsx';
import { ActionDialog } from './action-dialog.tsx';
import { useMutation } from './mutation.ts';
import { Link } from './router.tsx';
import { useSession } from './session.ts';
import { Failure, Skeleton, Status, Time, useNames } from './ui.tsx';
import { useQuery } from './use-query.ts';
import { messagesQuery, resendEvent } from './webhook-operations.ts';
import { webhookTexts } from './webhook-texts.ts';

/** The deliveries of an endpoint that are shown. */
const shownMax = 10;

type MessagesProps = { readonly endpointId: string; readonly refreshMs: number };

/** The last deliveries to an endpoint, newest event first. */
export function Messages({ endpointId, refreshMs }: MessagesProps) {
  const t = useTexts(webhookTexts);
  const name = useNames();
  const mutate = useMutation();
  const { viewer } = useSession();
  const { data, error, reload } = useQuery(messagesQuery, { endpointId, first: shownMax }, () => true);
  useEffect(() => {
    const timer = setInterval(() => {
      if (!document.hidden) reload();
    }, refreshMs);
    return () => clearInterval(timer);
  }, [reload, refreshMs]);
  const messages = data?.webhookMessages?.nodes ?? null;
  if (messages === null) return error === null ? <Skeleton rows={2} /> : <Failure error={error} onRetry={reload} />;
  if (messages.length === 0) return <p className="muted more">{t('noDeliveries')}</p>;
  return (
    <ul aria-label={t('deliveries')}>
      {messages.map(({ eventId, eventType, orderId, status, createdAt, attemptCount, attempts: [last] }) => (
        <li key={eventId} className="todo-row" data-message={eventId}>
          <Link to={`/orders/${orderId}`}>{name('event', eventType)}</Link>
          <span className="todo-what muted">
            <Time value={createdAt} />
            {attemptCount > 1 && <> · {t('attempts', { count: attemptCount })}</>}
            {last !== undefined && (
              <>
                {' · '}
                {last.responseStatus === null ? (
                  last.error
                ) : (
                  <>
                    <code>{last.responseStatus}</code> {last.durationMs} ms
                  </>
                )}
              </>
            )}
          </span>
          <Status kind="message" value={status} />
          {viewer.role !== 'VIEWER' && status !== 'PENDING' && (
            <div className="actions">
              <ActionDialog<null>
                name={`webhook.resend.${endpointId}.${eventId}`}
                label={t('resend')}
                title={t('resendTitle')}
                read={() => ({ input: null })}
                confirm={t('resend')}
                run={() => mutate(resendEvent, { endpointId, eventId })}
                onDone={reload}
              >
                {t('resendText')}
              </ActionDialog>
            </div>
          )}
        </li>
      ))}
    </ul>
  );
}
