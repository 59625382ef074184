import { useEffect, useState } from 'react';
import type { ReplayDeliveryMutation, ReplayDeliveryMutationVariables } from '../../generated/web/operations.ts';
import { operation } from '../shared/operation.ts';
import { useTexts } from '../shared/preferences.tsx';
import { defineTexts } from '../shared/text.ts';
import { ActionDialog } from './action-dialog.tsx';
import { useMutation } from './mutation.ts';
import type { DeliveryShown } from './order-query.ts';
import { useSession } from './session.ts';
import { Id, Panel, Status, Time, useNames } from './ui.tsx';

const replayDelivery = operation<ReplayDeliveryMutation, ReplayDeliveryMutationVariables>(/* GraphQL */ `
  mutation ReplayDelivery($input: ReplayDeliveryInput!) {
    outcome: replayDelivery(input: $input) {
      __typename
      ... on DeliveryReplay {
        verdict
        reason
        events {
          type
        }
      }
      ... on Error {
        code
        message
      }
    }
  }
`);

const texts = defineTexts(
  {
    callbacks: 'Callbacks',
    eventId: 'Event id',
    attempts: { one: '{count} attempt', other: '{count} attempts' },
    next: 'next',
    body: 'Body',
    replay: 'Apply again',
    replayTitle: 'Apply the callback again?',
    replayText: 'The stored callback is read again, as if it had just arrived. What is known already changes nothing.',
    checking: 'Checking what would change…',
    nothing: 'It would change nothing.',
    changes: 'It would record:',
    uncheckable: 'What it would change could not be checked.',
  },
  {
    callbacks: '回调',
    eventId: '事件编号',
    attempts: '尝试 {count} 次',
    next: '下次',
    body: '内容',
    replay: '重新应用',
    replayTitle: '重新应用此回调？',
    replayText: '系统将重新读取已保存的回调，如同刚刚收到。已知的内容不会产生任何变化。',
    checking: '正在检查会产生的变化…',
    nothing: '不会产生任何变化。',
    changes: '将会记录：',
    uncheckable: '无法检查会产生的变化。',
  },
);

type CallbacksProps = { readonly deliveries: readonly DeliveryShown[]; readonly onDone: () => void };

/** The callbacks of the providers about an order, and what became of them. */
export function Callbacks({ deliveries, onDone }: CallbacksProps) {
  const t = useTexts(texts);
  const name = useNames();
  const mutate = useMutation();
  const { viewer } = useSession();
  return (
    <Panel title={t('callbacks')} isFlush>
      <ul className="cards">
        {deliveries.map((delivery) => (
          <li key={delivery.id} className="card" data-delivery={delivery.id}>
            <div className="card-head">
              <h3>
                {name('provider', delivery.provider)} <code className="muted">{delivery.eventType}</code>
              </h3>
              <Status kind="verdict" value={delivery.verdict} />
              <span className="card-time muted">
                <Time value={delivery.receivedAt} />
              </span>
            </div>
            <p className="callback-facts muted">
              <Id value={delivery.eventId} what={t('eventId')} />
              {delivery.reason !== null && <span>{name('delivery', delivery.reason)}</span>}
              {delivery.attempts > 1 && <span>{t('attempts', { count: delivery.attempts })}</span>}
              {delivery.nextAttemptAt !== null && (
                <span>
                  {t('next')} <Time value={delivery.nextAttemptAt} />
                </span>
              )}
            </p>
            {delivery.body !== null && (
              <details>
                <summary>{t('body')}</summary>
                <pre>{delivery.body}</pre>
              </details>
            )}
            {viewer.role !== 'VIEWER' && (
              <div className="actions">
                <ActionDialog<null>
                  name={`replay.${delivery.id}`}
                  label={t('replay')}
                  title={t('replayTitle')}
                  fields={() => <Preview deliveryId={delivery.id} />}
                  read={() => ({ input: null })}
                  confirm={t('replay')}
                  run={() => {
                    const variables = { input: { deliveryId: delivery.id, dryRun: false } };
                    return mutate(replayDelivery, variables);
                  }}
                  onDone={onDone}
                >
                  {t('replayText')}
                </ActionDialog>
              </div>
            )}
          </li>
        ))}
      </ul>
    </Panel>
  );
}

type Checked = 'checking' | 'uncheckable' | { readonly types: readonly string[] };

/** What the callback would change now. Nothing is written. */
function Preview({ deliveryId }: { readonly deliveryId: string }) {
  const t = useTexts(texts);
  const name = useNames();
  const mutate = useMutation();
  const [checked, setChecked] = useState<Checked>('checking');
  useEffect(() => {
    const stopping = new AbortController();
    const { signal } = stopping;
    mutate(replayDelivery, { input: { deliveryId, dryRun: true } }, { signal }).then(
      (ending) =>
        setChecked(ending.kind === 'done' ? { types: ending.changed.events.map(({ type }) => type) } : 'uncheckable'),
      (error: unknown) => {
        if (!signal.aborted) throw error;
      },
    );
    return () => stopping.abort();
  }, [mutate, deliveryId]);
  if (typeof checked === 'string') return <p role="status">{t(checked)}</p>;
  if (checked.types.length === 0) return <p role="status">{t('nothing')}</p>;
  return (
    <p role="status">
      {t('changes')} {checked.types.map((type) => name('event', type)).join(', ')}
    </p>
  );
}
