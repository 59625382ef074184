import { useEffect } from 'react';
import { PreferenceControls } from '../shared/preference-controls.tsx';
import { useTexts } from '../shared/preferences.tsx';
import { Mark } from './icons.tsx';
import { texts } from './texts.ts';

/** A page with nothing but a message: the order cannot be shown. */
function MessagePage({
  title,
  text,
  mark,
  action,
}: {
  readonly title: string;
  readonly text: string;
  readonly mark: 'link' | 'info';
  readonly action?: { readonly label: string; onClick(): void };
}) {
  useEffect(() => {
    document.title = title;
  }, [title]);
  return (
    <div className="lone">
      <main className="lone-card">
        <Mark kind={mark} />
        <h1>{title}</h1>
        <p className="muted">{text}</p>
        {action && (
          <button type="button" className="button wide" onClick={action.onClick}>
            {action.label}
          </button>
        )}
      </main>
      <Footer />
    </div>
  );
}

export function MissingPage() {
  const t = useTexts(texts);
  return <MessagePage mark="link" title={t('missing')} text={t('missingMore')} />;
}

export function RefusedPage() {
  const t = useTexts(texts);
  return <MessagePage mark="link" title={t('refused')} text={t('refusedMore')} />;
}

export function BrokenPage({ onRetry }: { onRetry(): void }) {
  const t = useTexts(texts);
  const action = { label: t('tryAgain'), onClick: onRetry };
  return <MessagePage mark="info" title={t('broken')} text={t('brokenMore')} action={action} />;
}

export function Footer() {
  const t = useTexts(texts);
  return (
    <footer className="footer">
      <span>{t('poweredBy')}</span>
      <PreferenceControls />
    </footer>
  );
}
