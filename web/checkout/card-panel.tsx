import { useEffect, useRef, useState } from 'react';
import { useFormat, usePreferences, useTexts } from '../shared/preferences.tsx';
import type { ActProps } from './act-panel.tsx';
import { type CardAction, type CardForm, type CardResult, mountCardForm } from './card-form.ts';
import { FailureNote } from './notes.tsx';
import { refreshPayment } from './order.ts';
import { Spinner, useFocusedHeading } from './parts.tsx';
import { texts } from './texts.ts';
import { useThemeNow } from './theme-now.ts';

type State = 'loading' | 'ready' | 'confirming' | 'failed';

/** Card fields of the provider within the page. The page gets the outcome, never the card. */
export function CardPanel({
  client,
  checkout,
  payment,
  paying,
  action,
  accent,
  reload,
}: ActProps & { readonly action: CardAction }) {
  const t = useTexts(texts);
  const { money } = useFormat();
  const { language } = usePreferences();
  const theme = useThemeNow();
  const heading = useFocusedHeading();
  const place = useRef<HTMLDivElement>(null);
  const form = useRef<CardForm | null>(null);
  const submit = useRef(() => {});
  const [state, setState] = useState<State>('loading');
  const [refusal, setRefusal] = useState<CardResult | null>(null);
  const appearance = useRef({ theme, language, accent });
  appearance.current = { theme, language, accent };
  const { clientSecret, publishableKey, formUrl } = action;

  useEffect(() => {
    if (place.current === null) return;
    const mounted = mountCardForm(place.current, { clientSecret, publishableKey, formUrl }, appearance.current, {
      onReady: () => setState('ready'),
      onSubmit: () => submit.current(),
      onFailure: () => setState('failed'),
    });
    form.current = mounted;
    return () => {
      form.current = null;
      mounted.close();
    };
  }, [clientSecret, publishableKey, formUrl]);
  useEffect(() => form.current?.update({ theme, language, accent }), [theme, language, accent]);

  const confirm = async () => {
    if (state !== 'ready' || form.current === null) return;
    setState('confirming');
    setRefusal(null);
    const result = await form.current.confirm();
    if (result.kind === 'accepted') {
      // The order's event ends this panel. Should it be late, the provider is asked.
      await refreshPayment(client, payment.id);
      await reload();
    }
    if (result.kind === 'refused') setRefusal(result);
    setState('ready');
  };
  submit.current = () => void confirm();

  const hasPage = checkout.options.some(({ method, flows }) => method === 'CARD' && flows.includes('REDIRECT'));
  const isConfirming = state === 'confirming';
  return (
    <div className="stack">
      <h2 ref={heading} tabIndex={-1}>
        {t('cardTitle')}
      </h2>
      <div role="alert">
        <CardNote refusal={refusal} reason={isConfirming ? null : (payment.failure?.reason ?? null)} />
      </div>
      {state === 'failed' ? (
        <p className="note note-bad">{t('cardUnavailable')}</p>
      ) : (
        <>
          <div className="card-place" data-state={state} ref={place} />
          {state === 'loading' && (
            <p className="waiting" role="status">
              <Spinner /> {t('cardLoading')}
            </p>
          )}
          <button
            type="button"
            className="button brand wide"
            aria-disabled={state !== 'ready'}
            onClick={() => void confirm()}
          >
            {isConfirming && <Spinner />}
            {isConfirming ? t('cardProcessing') : t('pay', { amount: money(checkout.order.total) })}
          </button>
          <p className="safe muted">{t('cardSafe')}</p>
        </>
      )}
      {hasPage && state === 'failed' && (
        <button type="button" className="button wide" onClick={() => void paying.start('CARD', 'REDIRECT')}>
          {t('cardElsewhere')}
        </button>
      )}
    </div>
  );
}

/** Why the last card was refused: in the page's own words where the server knows the reason, else in those of the form. */
function CardNote({ refusal, reason }: { readonly refusal: CardResult | null; readonly reason: string | null }) {
  const t = useTexts(texts);
  if (reason !== null) return <FailureNote reason={reason} title={null} />;
  if (refusal?.kind !== 'refused') return null;
  return <p className="note note-bad">{refusal.message ?? t('notCharged')}</p>;
}
