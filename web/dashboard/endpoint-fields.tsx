import { useId, useState } from 'react';
import type { CreateEndpointMutationVariables } from '../../generated/web/operations.ts';
import { useTexts } from '../shared/preferences.tsx';
import { type FieldProblem, TextField, textOf, useFieldProblem } from './form-fields.tsx';
import { eventTypes } from './statuses.ts';
import { useNames } from './ui.tsx';
import { webhookTexts } from './webhook-texts.ts';

type EventType = NonNullable<CreateEndpointMutationVariables['input']['eventTypes']>[number];

/** What a person decides about an endpoint. */
export type EndpointInput = {
  readonly url: string;
  readonly description: string;
  /** Empty for all. */
  readonly eventTypes: readonly EventType[];
  readonly ordered: boolean;
};

type EndpointFieldsProps = {
  readonly values?: Omit<EndpointInput, 'description'> & { readonly description: string | null };
};

export function EndpointFields({ values }: EndpointFieldsProps) {
  const t = useTexts(webhookTexts);
  return (
    <>
      <TextField name="url" type="url" label={t('url')} hint={t('urlHint')} value={values?.url} />
      <TextField name="description" label={t('description')} value={values?.description ?? undefined} lengthMax={256} />
      <EventTypesField chosen={values?.eventTypes ?? []} />
      <label className="check">
        <input type="checkbox" name="ordered" defaultChecked={values?.ordered ?? true} />
        {t('ordered')}
      </label>
    </>
  );
}

const groups = ['ORDER', 'PAYMENT', 'REFUND'] as const;

/** All events, or some types. Types that an endpoint has and this version does not know stay as they are. */
function EventTypesField({ chosen }: { readonly chosen: readonly string[] }) {
  const t = useTexts(webhookTexts);
  const name = useNames();
  const problemId = useId();
  const problem = useFieldProblem('eventTypes');
  const [isAll, setAll] = useState(chosen.length === 0);
  const scopes = [
    [true, 'allTypes'],
    [false, 'someTypes'],
  ] as const;
  return (
    <fieldset className="group">
      <legend>{t('types')}</legend>
      {scopes.map(([all, label]) => (
        <label key={label} className="check">
          <input type="radio" name="scope" value={label} checked={isAll === all} onChange={() => setAll(all)} />
          {t(label)}
        </label>
      ))}
      {!isAll &&
        groups.map((group) => (
          <fieldset key={group} className="group choices-of">
            <legend>{t(group)}</legend>
            {eventTypes
              .filter((type) => type.startsWith(`${group}_`))
              .map((type) => (
                <label key={type} className="check">
                  <input
                    type="checkbox"
                    name="eventTypes"
                    value={type}
                    defaultChecked={chosen.includes(type)}
                    aria-invalid={problem !== null}
                    aria-describedby={problem === null ? undefined : problemId}
                  />
                  {name('event', type)}
                </label>
              ))}
          </fieldset>
        ))}
      {!isAll &&
        chosen
          .filter((type) => !eventTypes.includes(type))
          .map((type) => <input key={type} type="hidden" name="eventTypes" value={type} />)}
      {problem !== null && (
        <p className="form-problem" id={problemId}>
          {problem}
        </p>
      )}
    </fieldset>
  );
}

export function readEndpoint(form: FormData): EndpointInput {
  return {
    url: textOf(form, 'url'),
    description: textOf(form, 'description'),
    eventTypes: form.getAll('eventTypes') as EventType[], // the fields offer no others
    ordered: form.get('ordered') !== null,
  };
}

/** Returns a function that finds what is wrong with the fields. The server knows more: which addresses it may reach. */
export function useEndpointCheck(): (form: FormData) => readonly FieldProblem[] {
  const t = useTexts(webhookTexts);
  return (form) => {
    const { url, eventTypes: chosen } = readEndpoint(form);
    const problems: FieldProblem[] = [];
    if (!/^https?:\/\/./.test(url) || !URL.canParse(url)) problems.push({ field: 'url', text: t('urlProblem') });
    if (textOf(form, 'scope') === 'someTypes' && chosen.length === 0) {
      problems.push({ field: 'eventTypes', text: t('someTypesProblem') });
    }
    return problems;
  };
}
