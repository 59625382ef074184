import { useTexts } from '../shared/preferences.tsx';
import { ActionDialog } from './action-dialog.tsx';
import { EndpointFields, type EndpointInput, readEndpoint, useEndpointCheck } from './endpoint-fields.tsx';
import { TextField, textOf } from './form-fields.tsx';
import { useMutation } from './mutation.ts';
import { SecretDialog } from './secret-dialog.tsx';
import {
  createEndpoint,
  deleteEndpoint,
  type Endpoint,
  pauseEndpoint,
  replayEvents,
  resumeEndpoint,
  rotateSecret,
  updateEndpoint,
} from './webhook-operations.ts';
import { webhookTexts } from './webhook-texts.ts';

type Done = { readonly onDone: () => void };
type EndpointProps = { readonly endpoint: Endpoint } & Done;

export function AddEndpoint({ onDone }: Done) {
  const t = useTexts(webhookTexts);
  const mutate = useMutation();
  const check = useEndpointCheck();
  return (
    <SecretDialog
      label={t('add')}
      kind="primary"
      title={t('addTitle')}
      lost={t('lostAdd')}
      check={check}
      run={(form) => {
        const { description, eventTypes, ...input } = readEndpoint(form);
        return mutate(createEndpoint, {
          input: { ...input, description: description || null, eventTypes: [...eventTypes] },
        });
      }}
      onDone={onDone}
    >
      <EndpointFields />
    </SecretDialog>
  );
}

export function EditEndpoint({ endpoint, onDone }: EndpointProps) {
  const t = useTexts(webhookTexts);
  const mutate = useMutation();
  const check = useEndpointCheck();
  return (
    <ActionDialog<EndpointInput>
      name={`webhook.edit.${endpoint.id}`}
      label={t('edit')}
      title={t('editTitle')}
      fields={(sent) => <EndpointFields values={sent ?? endpoint} />}
      read={(form) => {
        const problems = check(form);
        return problems.length > 0 ? { problems } : { input: readEndpoint(form) };
      }}
      confirm={t('save')}
      run={({ input: { eventTypes, ...input } }) =>
        mutate(updateEndpoint, { input: { ...input, eventTypes: [...eventTypes], id: endpoint.id } })
      }
      onDone={onDone}
    >
      {t('editText')}
    </ActionDialog>
  );
}

export function DeleteEndpoint({ endpoint: { id, url, pendingCount }, onDone }: EndpointProps) {
  const t = useTexts(webhookTexts);
  const mutate = useMutation();
  return (
    <ActionDialog<null>
      name={`webhook.delete.${id}`}
      label={t('delete')}
      kind="danger"
      title={t('deleteTitle')}
      read={() => ({ input: null })}
      confirm={t('delete')}
      run={() => mutate(deleteEndpoint, { id })}
      onDone={onDone}
    >
      <p className="endpoint-url">{url}</p>
      <p>
        {t('deleteText')} {pendingCount > 0 && t('deleteWaiting', { count: pendingCount })}
      </p>
      <p>{t('deleteInstead')}</p>
    </ActionDialog>
  );
}

export function PauseOrResumeEndpoint({ endpoint: { id, status }, onDone }: EndpointProps) {
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

export function RotateSecret({ endpoint: { id }, onDone }: EndpointProps) {
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

export function ReplayEvents({ endpoint: { id }, onDone }: EndpointProps) {
  const t = useTexts(webhookTexts);
  const mutate = useMutation();
  return (
    <ActionDialog<{ readonly since: string }>
      name={`webhook.replay.${id}`}
      label={t('replay')}
      title={t('replayTitle')}
      fields={() => <TextField name="since" type="datetime-local" label={t('since')} />}
      read={(form) => {
        const since = new Date(textOf(form, 'since'));
        return Number.isNaN(since.getTime())
          ? { problems: [{ field: 'since', text: t('sinceProblem') }] }
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
