import { useEffect } from 'react';
import { useTexts } from '../shared/preferences.tsx';
import { AddEndpoint } from './endpoint-actions.tsx';
import { EndpointPanel } from './endpoint-panel.tsx';
import { useSession } from './session.ts';
import { Empty, Failure, Skeleton } from './ui.tsx';
import { useQuery } from './use-query.ts';
import { endpointsQuery } from './webhook-operations.ts';
import { webhookTexts } from './webhook-texts.ts';

/** The state of endpoints is read again after this time, in milliseconds: it changes without an event. */
const refreshMs = 5000;

/** The merchant's servers that get events, and what became of the last ones. */
export function Webhooks() {
  const t = useTexts(webhookTexts);
  const { viewer } = useSession();
  const { data, error, reload } = useQuery(endpointsQuery, {}, () => true);
  useEffect(() => {
    const timer = setInterval(() => {
      if (!document.hidden) reload();
    }, refreshMs);
    return () => clearInterval(timer);
  }, [reload]);
  const endpoints = data?.webhookEndpoints ?? null;
  return (
    <>
      <div className="page-head">
        <h1>{t('title')}</h1>
        {viewer.role === 'MERCHANT' && <AddEndpoint onDone={reload} />}
      </div>
      {endpoints === null && (error === null ? <Skeleton /> : <Failure error={error} onRetry={reload} />)}
      {endpoints?.length === 0 && (
        <section className="panel" aria-label={t('title')}>
          <Empty title={t('noneTitle')}>
            {t('noneHint')} {viewer.role !== 'MERCHANT' && t('noneKeyHint')}
          </Empty>
        </section>
      )}
      {endpoints?.map((endpoint) => (
        <EndpointPanel key={endpoint.id} endpoint={endpoint} refreshMs={refreshMs} onDone={reload} />
      ))}
    </>
  );
}
