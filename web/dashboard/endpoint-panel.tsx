import { useFormat, useTexts } from '../shared/preferences.tsx';
import {
  DeleteEndpoint,
  EditEndpoint,
  PauseOrResumeEndpoint,
  ReplayEvents,
  RotateSecret,
} from './endpoint-actions.tsx';
import { Fact } from './facts.tsx';
import { useSession } from './session.ts';
import { Ago, Panel, Status, Time, useNames } from './ui.tsx';
import { Messages } from './webhook-messages.tsx';
import type { Endpoint } from './webhook-operations.ts';
import { webhookTexts } from './webhook-texts.ts';

type EndpointPanelProps = {
  readonly endpoint: Endpoint;
  /** How often its deliveries are read again, in milliseconds. */
  readonly refreshMs: number;
  readonly onDone: () => void;
};

/** An endpoint with its state, its last deliveries, and what may be done with it. */
export function EndpointPanel({ endpoint, refreshMs, onDone }: EndpointPanelProps) {
  const t = useTexts(webhookTexts);
  const format = useFormat();
  const { viewer } = useSession();
  const [replay] = endpoint.replays;
  const replayText = replay?.queuedAt == null ? 'replayed' : 'replayedAll';
  const isMerchant = viewer.role === 'MERCHANT';
  return (
    <div data-endpoint={endpoint.id}>
      <Panel
        title={<span className="endpoint-url">{endpoint.url}</span>}
        aside={<Status kind="endpoint" value={endpoint.status} />}
        isFlush
      >
        <div className="card">
          {endpoint.description && <p>{endpoint.description}</p>}
          {endpoint.pauseReason !== null && (
            <p className={endpoint.pauseReason === 'REQUESTED' ? 'muted' : 'failure'}>{t(endpoint.pauseReason)}</p>
          )}
          <EndpointFacts endpoint={endpoint} />
          {replay !== undefined && (
            <p className="muted" data-replay={replay.id}>
              {t(replayText, { time: format.dateTime(replay.createdAt), count: replay.queued })}
            </p>
          )}
          {viewer.role !== 'VIEWER' && (
            <div className="actions">
              {isMerchant && <EditEndpoint endpoint={endpoint} onDone={onDone} />}
              {isMerchant && <PauseOrResumeEndpoint endpoint={endpoint} onDone={onDone} />}
              {isMerchant && <RotateSecret endpoint={endpoint} onDone={onDone} />}
              <ReplayEvents endpoint={endpoint} onDone={onDone} />
              {isMerchant && <DeleteEndpoint endpoint={endpoint} onDone={onDone} />}
            </div>
          )}
        </div>
        <Messages endpointId={endpoint.id} refreshMs={refreshMs} />
      </Panel>
    </div>
  );
}

function EndpointFacts({ endpoint }: { readonly endpoint: Endpoint }) {
  const t = useTexts(webhookTexts);
  const name = useNames();
  const format = useFormat();
  const { eventTypes, ordered, createdAt, pendingCount, failedCount } = endpoint;
  const { failingSince, retryAt, previousSecretUntil } = endpoint;
  return (
    <dl className="facts endpoint-facts">
      <Fact name={t('types')}>{eventTypes.map((type) => name('event', type)).join(', ') || t('all')}</Fact>
      <Fact name={t('order')}>{t(ordered ? 'inOrder' : 'anyOrder')}</Fact>
      <Fact name={t('created')}>
        <Time value={createdAt} />
      </Fact>
      <Fact name={t('pending')}>
        <span className="number">{format.number(pendingCount)}</span>
      </Fact>
      <Fact name={t('failedCount')}>
        <span className="number">{format.number(failedCount)}</span>
      </Fact>
      {failingSince !== null && (
        <Fact name={t('failingSince')}>
          <Time value={failingSince} />
        </Fact>
      )}
      {retryAt !== null && (
        <Fact name={t('retryAt')}>
          <Ago value={retryAt} />
        </Fact>
      )}
      {previousSecretUntil !== null && (
        <Fact name={t('twoSecrets')}>
          <Time value={previousSecretUntil} />
        </Fact>
      )}
    </dl>
  );
}
