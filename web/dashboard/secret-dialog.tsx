import { Dialog } from '@base-ui/react/dialog';
import { type FormEvent, type ReactNode, useEffect, useRef, useState } from 'react';
import { useTexts } from '../shared/preferences.tsx';
import { type FieldProblem, FieldProblems, focusProblem, useServerProblems } from './form-fields.tsx';
import type { Ending } from './mutation.ts';
import { Id } from './ui.tsx';
import { webhookTexts } from './webhook-texts.ts';

type SecretDialogProps = {
  readonly label: string;
  readonly kind?: 'primary';
  readonly title: string;
  readonly children: ReactNode;
  /** What to do when the server did not answer: the secret is lost then, and sending again would make another one. */
  readonly lost: string;
  /** What is wrong with the form, before it is sent. */
  readonly check?: (form: FormData) => readonly FieldProblem[];
  readonly run: (form: FormData) => Promise<Ending<{ readonly secret: string }>>;
  readonly onDone: () => void;
};

type Stage =
  | { readonly kind: 'asking'; readonly problems: readonly FieldProblem[] }
  | { readonly kind: 'working' }
  | { readonly kind: 'lost' }
  | { readonly kind: 'made'; readonly secret: string };

/** A button with a dialog that makes a secret, and shows it once. It is kept nowhere. */
export function SecretDialog({ label, kind, title, children, lost, check, run, onDone }: SecretDialogProps) {
  const t = useTexts(webhookTexts);
  const [isOpen, setOpen] = useState(false);
  const [stage, setStage] = useState<Stage>({ kind: 'asking', problems: [] });

  const form = useRef<HTMLFormElement>(null);
  const serverProblems = useServerProblems();
  const problems = stage.kind === 'asking' ? stage.problems : [];
  useEffect(() => {
    if (stage.kind === 'asking' && stage.problems.length > 0) focusProblem(form.current);
  }, [stage]);

  const change = (opens: boolean) => {
    if (stage.kind === 'working') return;
    setOpen(opens);
    setStage({ kind: 'asking', problems: [] });
    if (!opens) onDone();
  };
  const submit = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const sender = event.currentTarget;
    const given = new FormData(sender);
    const problems = check?.(given) ?? [];
    if (problems.length > 0) return setStage({ kind: 'asking', problems });
    setStage({ kind: 'working' });
    const ending = await run(given);
    switch (ending.kind) {
      case 'done':
        return setStage({ kind: 'made', secret: ending.changed.secret });
      case 'refused': {
        const { message, issues } = ending;
        const named = serverProblems(sender, issues);
        return setStage({ kind: 'asking', problems: named.length > 0 ? named : [{ field: null, text: message }] });
      }
      case 'unknown':
        return setStage({ kind: 'lost' });
      case 'signedOut':
        return;
    }
  };
  const isMade = stage.kind === 'made';
  return (
    <Dialog.Root open={isOpen} onOpenChange={change} disablePointerDismissal={isMade}>
      <Dialog.Trigger className="button" data-kind={kind}>
        {label}
      </Dialog.Trigger>
      <Dialog.Portal>
        <Dialog.Backdrop className="backdrop" />
        <Dialog.Popup className="popup dialog">
          <Dialog.Title className="dialog-title">{isMade ? t('secretTitle') : title}</Dialog.Title>
          {isMade ? (
            <div className="form">
              <Dialog.Description className="dialog-text">{t('secretText')}</Dialog.Description>
              <Id value={stage.secret} what={t('secret')} />
              <div className="dialog-buttons">
                <Dialog.Close className="button" data-kind="primary">
                  {t('done')}
                </Dialog.Close>
              </div>
            </div>
          ) : (
            <form ref={form} className="form" onSubmit={submit} noValidate>
              <fieldset className="fields" disabled={stage.kind !== 'asking'}>
                <FieldProblems value={problems}>{children}</FieldProblems>
              </fieldset>
              <div role="alert" className="form-problem">
                {stage.kind === 'lost' && <p>{lost}</p>}
                {problems.map(
                  ({ field, text }) => field === null && <p key={text}>{t('refused', { message: text })}</p>,
                )}
              </div>
              <div className="dialog-buttons">
                <Dialog.Close className="button" disabled={stage.kind === 'working'}>
                  {t('back')}
                </Dialog.Close>
                {stage.kind !== 'lost' && (
                  <button type="submit" className="button" data-kind="primary" disabled={stage.kind === 'working'}>
                    {stage.kind === 'working' ? t('working') : label}
                  </button>
                )}
              </div>
            </form>
          )}
        </Dialog.Popup>
      </Dialog.Portal>
    </Dialog.Root>
  );
}
