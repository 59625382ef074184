import { useTexts } from '../shared/preferences.tsx';
import { defineTexts } from '../shared/text.ts';
import { type Tone, toneOf } from './statuses.ts';
import { useNames } from './ui.tsx';

const texts = defineTexts({ tryAgain: '{reason}, the buyer can try again' }, { tryAgain: '{reason}，买家可以重试' });

type Named = { readonly type: string; readonly failure: { readonly reason: string } | null };

/** Returns what has happened, in the language of the page. */
export function useEventNames(): (event: Named) => string {
  const t = useTexts(texts);
  const name = useNames();
  return (event) => {
    const { type, failure } = event;
    if (failure === null || !isFailedAttempt(event)) return name('event', type);
    return t('tryAgain', { reason: name('failure', failure.reason) });
  };
}

/** After a declined card the API says that the buyer has to act, as it did before. The failure tells the two apart. */
export function isFailedAttempt({ type, failure }: Named): boolean {
  return type === 'PAYMENT_ACTION_REQUIRED' && failure !== null;
}

export function toneOfEvent(event: Named): Tone {
  return isFailedAttempt(event) ? 'warn' : toneOf('event', event.type);
}
