import { useEffect } from 'react';
import { useFormat, useTexts } from '../shared/preferences.tsx';
import { ActionDialog } from './action-dialog.tsx';
import { useMutation } from './mutation.ts';
import { SecretDialog } from './secret-dialog.tsx';
import { useSession } from './session.ts';
import { Ago, Empty, Failure, Panel, Skeleton, Status, Time, useNames } from './ui.tsx';
import { useQuery } from './use-query.ts';
import { Messages } from './webhook-messages.tsx';
import {
  createEndpoint,
  type Endpoint,
  endpointsQuery,
  pauseEndpoint,
  replayEvents,
  resumeEndpoint,
  rotateSecret,
} from './webhook-operations.ts';
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
        <EndpointPanel key={endpoint.id} endpoint={endpoint} onDone={reload} />
      ))}
    </>
  );
}

type Done = { readonly onDone: () => void };

function AddEndpoint({ onDone }: Done) {
  const t = useTexts(webhookTexts);
  const mutate = useMutation();
  return (
    <SecretDialog
      label={t('add')}
      kind="primary"
      title={t('addTitle')}
      lost={t('lostAdd')}
      run={(form) => {
        const input = {
          url: String(form.get('url') ?? '').trim(),
          description: String(form.get('description') ?? '').trim() || null,
          ordered: form.get('ordered') !== null,
        };
        return mutate(createEndpoint, { input });
      }}
      onDone={onDone}
    >
      <div className="field">
        <label htmlFor="endpoint-url">{t('url')}</label>
        <input
          id="endpoint-url"
          name="url"
          type="url"
          className="input"
          autoComplete="off"
          aria-describedby="url-hint"
        />
        <p className="hint" id="url-hint">
          {t('urlHint')}
        </p>
      </div>
      <div className="field">
        <label htmlFor="endpoint-text">{t('description')}</label>
        <input id="endpoint-text" name="description" className="input" autoComplete="off" maxLength={256} />
      </div>
      <label className="check">
        <input type="checkbox" name="ordered" defaultChecked />
        {t('ordered')}
      </label>
    </SecretDialog>
  );
}

type EndpointProps = { readonly endpoint: Endpoint } & Done;

function EndpointPanel({ endpoint, onDone }: EndpointProps) {
  const t = useTexts(webhookTexts);
  const name = useNames();
  const format = useFormat();
  const { viewer } = useSession();
  const { pauseReason, failingSince, retryAt, previousSecretUntil } = endpoint;
  const [replay] = endpoint.replays;
  const replayText = replay?.queuedAt == null ? 'replayed' : 'replayedAll';
  return (
    <div data-endpoint={endpoint.id}>
      <Panel
        title={<span className="endpoint-url">{endpoint.url}</span>}
        aside={<Status kind="endpoint" value={endpoint.status} />}
        isFlush
      >
        <div className="card">
          {endpoint.description !== null && <p>{endpoint.description}</p>}
          {pauseReason !== null && <p className="failure">{t(pauseReason)}</p>}
          <dl className="facts endpoint-facts">
            <div>
              <dt>{t('types')}</dt>
              <dd>{endpoint.eventTypes.map((type) => name('event', type)).join(', ') || t('all')}</dd>
            </div>
            <div>
              <dt>{t('order')}</dt>
              <dd>{t(endpoint.ordered ? 'inOrder' : 'anyOrder')}</dd>
            </div>
            <div>
              <dt>{t('created')}</dt>
              <dd>
                <Time value={endpoint.createdAt} />
              </dd>
            </div>
            <div>
              <dt>{t('pending')}</dt>
              <dd className="number">{format.number(endpoint.pendingCount)}</dd>
            </div>
            <div>
              <dt>{t('failedCount')}</dt>
              <dd className="number">{format.number(endpoint.failedCount)}</dd>
            </div>
            {failingSince !== null && (
              <div>
                <dt>{t('failingSince')}</dt>
                <dd>
                  <Time value={failingSince} />
                </dd>
              </div>
            )}
            {retryAt !== null && (
              <div>
                <dt>{t('retryAt')}</dt>
                <dd>
                  <Ago value={retryAt} />
                </dd>
              </div>
            )}
            {previousSecretUntil !== null && (
              <div>
                <dt>{t('twoSecrets')}</dt>
                <dd>
                  <Time value={previousSecretUntil} />
                </dd>
              </div>
            )}
          </dl>
          {replay !== undefined && (
            <p className="muted" data-replay={replay.id}>
              {t(replayText, { time: format.dateTime(replay.createdAt), count: replay.queued })}
            </p>
          )}
          {viewer.role !== 'VIEWER' && (
            <div className="actions">
              {viewer.role === 'MERCHANT' && <PauseOrResume endpoint={endpoint} onDone={onDone} />}
              {viewer.role === 'MERCHANT' && <RotateSecret endpoint={endpoint} onDone={onDone} />}
              <Replay endpoint={endpoint} onDone={onDone} />
            </div>
          )}
        </div>
        <Messages endpointId={endpoint.id} refreshMs={refreshMs} />
      </Panel>
    </div>
  );
}

function PauseOrResume({ endpoint: { id, status }, onDone }: EndpointProps) {
  const t = useTexts(webhookTexts);
  const mutate = useMutation();
  const what = status === 'ACTIVE' ? 'pause' : 'resume';
  return (
    <ActionDialog<null>
      key={what}
      name={`webhook.${what}.${id}`}
      label={t(what)}
      title={t(`${what}Title`)}
      read={() => ({ input: null })}
      confirm={t(what)}
      run={() => (what === 'pause' ? mutate(pauseEndpoint, { id }) : mutate(resumeEndpoint, { id }))}
      onDone={onDone}
    >
      {t(`${what}Text`)}
    </ActionDialog>
  );
}

function RotateSecret({ endpoint: { id }, onDone }: EndpointProps) {
  const t = useTexts(webhookTexts);
  const mutate = useMutation();
  return (
    <SecretDialog
      label={t('rotate')}
      title={t('rotateTitle')}
      lost={t('lostRotate')}
      run={() => mutate(rotateSecret, { id })}
      onDone={onDone}
    >
      <p className="dialog-text">{t('rotateText')}</p>
    </SecretDialog>
  );
}

function Replay({ endpoint: { id }, onDone }: EndpointProps) {
  const t = useTexts(webhookTexts);
  const mutate = useMutation();
  return (
    <ActionDialog<{ readonly since: string }>
      name={`webhook.replay.${id}`}
      label={t('replay')}
      title={t('replayTitle')}
      fields={() => (
        <div className="field">
          <label htmlFor="replay-since">{t('since')}</label>
          <input id="replay-since" name="since" type="datetime-local" className="input" />
        </div>
      )}
      read={(form) => {
        const since = new Date(String(form.get('since')));
        return Number.isNaN(since.getTime())
          ? { problem: t('sinceProblem') }
          : { input: { since: since.toISOString() } };
      }}
      confirm={t('replay')}
      run={({ input: { since } }) => mutate(replayEvents, { input: { endpointId: id, since } })}
      onDone={onDone}
    >
      {t('replayText')}
    </ActionDialog>
  );
}
