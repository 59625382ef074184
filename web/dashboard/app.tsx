import { useCallback, useEffect, useState } from 'react';
import { useTexts } from '../shared/preferences.tsx';
import { defineTexts } from '../shared/text.ts';
import { Brand } from './brand.tsx';
import { forgetToken, type Refusal, type Session, SessionContext, signIn, takeToken } from './session.ts';
import { SignIn } from './sign-in.tsx';
import { Workspace } from './workspace.tsx';

const texts = defineTexts(
  {
    opening: 'Opening the dashboard…',
    unreachable: 'The server cannot be reached. Trying again…',
  },
  { opening: '正在打开控制台…', unreachable: '无法连接服务器，正在重试…' },
);

/** The token is taken once, before anything is drawn: it is in the address only until then. */
const tokenAtStart = takeToken();
const retryMs = 2000;

type State =
  | { readonly kind: 'opening'; readonly token: string; readonly isUnreachable: boolean }
  | { readonly kind: 'signedOut'; readonly reason: Refusal | 'ended' | null }
  | { readonly kind: 'signedIn'; readonly session: Session };

export function App() {
  const t = useTexts(texts);
  const [state, setState] = useState<State>(
    tokenAtStart === null
      ? { kind: 'signedOut', reason: null }
      : { kind: 'opening', token: tokenAtStart, isUnreachable: false },
  );
  const end = useCallback(() => {
    forgetToken();
    setState({ kind: 'signedOut', reason: 'ended' });
  }, []);
  const signOut = useCallback(() => {
    forgetToken();
    setState({ kind: 'signedOut', reason: null });
  }, []);

  const token = state.kind === 'opening' ? state.token : null;
  useEffect(() => {
    if (token === null) return;
    let isOver = false;
    let timer: ReturnType<typeof setTimeout>;
    const open = async () => {
      const session = await signIn(token, end);
      if (isOver) return;
      if (typeof session !== 'string') return setState({ kind: 'signedIn', session });
      if (session !== 'unreachable') {
        forgetToken();
        return setState({ kind: 'signedOut', reason: session });
      }
      setState({ kind: 'opening', token, isUnreachable: true });
      timer = setTimeout(() => void open(), retryMs);
    };
    void open();
    return () => {
      isOver = true;
      clearTimeout(timer);
    };
  }, [token, end]);

  switch (state.kind) {
    case 'signedOut':
      return (
        <SignIn reason={state.reason} end={end} onSession={(session) => setState({ kind: 'signedIn', session })} />
      );
    case 'signedIn':
      return (
        <SessionContext value={state.session}>
          <Workspace onSignOut={signOut} />
        </SessionContext>
      );
    case 'opening':
      return (
        <main className="opening" role="status">
          <Brand />
          <p className="muted">{state.isUnreachable ? t('unreachable') : t('opening')}</p>
        </main>
      );
  }
}
