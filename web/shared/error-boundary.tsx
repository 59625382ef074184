import { Component, type ReactNode } from 'react';
import { useTexts } from './preferences.tsx';
import { defineTexts } from './text.ts';

const texts = defineTexts(
  {
    title: 'This page has stopped because of an error',
    more: 'Reload it to go on. Whatever the server has received, such as a payment, is not affected.',
    reload: 'Reload the page',
  },
  {
    title: '页面因出错而停止',
    more: '请刷新页面以继续。服务器已收到的操作（例如付款）不受影响。',
    reload: '刷新页面',
  },
);

type State = { readonly error: Error | null };

/** Shows an error of a component that nothing else has caught. Without this, React takes the whole page away. */
export class ErrorBoundary extends Component<{ readonly children: ReactNode }, State> {
  override state: State = { error: null };

  static getDerivedStateFromError(thrown: unknown): State {
    return { error: thrown instanceof Error ? thrown : new Error(String(thrown)) };
  }

  override render(): ReactNode {
    const { error } = this.state;
    return error === null ? this.props.children : <Stopped error={error} />;
  }
}

function Stopped({ error }: { readonly error: Error }) {
  const t = useTexts(texts);
  return (
    <main className="stopped">
      <div role="alert">
        <h1>{t('title')}</h1>
        <p>{t('more')}</p>
        <p className="muted">
          <code>{error.message}</code>
        </p>
      </div>
      <button type="button" className="button" onClick={() => location.reload()}>
        {t('reload')}
      </button>
    </main>
  );
}
