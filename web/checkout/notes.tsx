import { useTexts } from '../shared/preferences.tsx';
import type { Paying } from './paying.ts';
import { texts } from './texts.ts';

/** Why a payment could not be started. */
export function ProblemNote({ problem: { kind, method } }: { readonly problem: NonNullable<Paying['problem']> }) {
  const t = useTexts(texts);
  const text = kind === 'unavailable' || kind === 'notAvailable' ? t(kind, { method: t(method) }) : t(kind);
  return <p className="note note-bad">{text}</p>;
}

/** The reasons that have a text of their own. Others are told in general. */
const reasons = [
  ...(['card_declined', 'insufficient_funds', 'expired_card', 'incorrect_cvc', 'authentication_failed'] as const),
  'limit_exceeded',
] as const;

/** Why a payment failed, by the reason that the API gives. */
export function FailureNote({ reason, title }: { readonly reason: string | null; readonly title: string | null }) {
  const t = useTexts(texts);
  const known = reasons.find((one) => one === reason);
  const text = reason === 'expired' ? t('ranOut') : t(known ?? 'notCharged');
  return (
    <p className="note note-bad">
      {title !== null && <strong>{title} </strong>}
      {text}
    </p>
  );
}
