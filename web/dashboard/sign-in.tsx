import { type FormEvent, useId, useRef, useState } from 'react';
import { PreferenceControls } from '../shared/preference-controls.tsx';
import { useTexts } from '../shared/preferences.tsx';
import { defineTexts } from '../shared/text.ts';
import { Brand } from './brand.tsx';
import { keepToken, type Refusal, type Session, signIn } from './session.ts';
import { usePageFocus, usePageTitle } from './shown-page.ts';

const texts = defineTexts(
  {
    title: 'Sign in',
    token: 'Token',
    hint: 'A token of a person (JWT) or an API key. In development, open the link that npm start prints.',
    remember: 'Stay signed in on this device',
    submit: 'Sign in',
    submitting: 'Signing in…',
    empty: 'Enter a token.',
    invalid: 'The token is not valid: it is wrong, has expired, or was revoked.',
    notStaff: 'This token belongs to a buyer or a customer. The dashboard is for people who work for the merchant.',
    unreachable: 'The server cannot be reached. Try again in a moment.',
    ended: 'You have been signed out: the token has expired or was revoked.',
  },
  {
    title: '登录',
    token: '令牌',
    hint: '员工令牌（JWT）或 API 密钥。开发环境中，请打开 npm start 输出的链接。',
    remember: '在此设备上保持登录',
    submit: '登录',
    submitting: '登录中…',
    empty: '请输入令牌。',
    invalid: '令牌无效：有误、已过期或已被撤销。',
    notStaff: '此令牌属于买家或顾客。控制台仅供商户员工使用。',
    unreachable: '无法连接服务器，请稍后再试。',
    ended: '您已退出登录：令牌已过期或已被撤销。',
  },
);

type SignInProps = {
  /** Why the page asks for a token, when it had one before. */
  readonly reason: Refusal | 'ended' | null;
  readonly onSession: (session: Session) => void;
  readonly end: () => void;
};

export function SignIn({ reason, onSession, end }: SignInProps) {
  const t = useTexts(texts);
  const [problem, setProblem] = useState<Refusal | 'ended' | 'empty' | null>(reason);
  const [isBusy, setBusy] = useState(false);
  const tokenId = useId();
  const hintId = useId();
  const problemId = useId();
  const field = useRef<HTMLInputElement>(null);
  usePageTitle(t('title'));
  usePageFocus(field, 'sign-in');

  const submit = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const token = String(form.get('token') ?? '')
      .trim()
      .replace(/^Bearer\s+/i, '');
    if (token === '') return setProblem('empty');
    setBusy(true);
    setProblem(null);
    const session = await signIn(token, end);
    setBusy(false);
    if (typeof session === 'string') return setProblem(session);
    keepToken(token, form.get('remember') !== null);
    onSession(session);
  };

  return (
    <main className="sign-in">
      <div className="sign-in-card">
        <Brand />
        <h1>{t('title')}</h1>
        <form className="form" onSubmit={submit} noValidate>
          <div className="field">
            <label htmlFor={tokenId}>{t('token')}</label>
            <input
              ref={field}
              id={tokenId}
              name="token"
              type="password"
              className="input"
              autoComplete="off"
              spellCheck={false}
              aria-invalid={problem !== null}
              aria-describedby={`${hintId} ${problemId}`}
            />
            <p id={hintId} className="hint">
              {t('hint')}
            </p>
          </div>
          <label className="check">
            <input type="checkbox" name="remember" />
            {t('remember')}
          </label>
          <p id={problemId} role="alert" className="form-problem">
            {problem === null ? '' : t(problem)}
          </p>
          <button type="submit" className="button" data-kind="primary" disabled={isBusy}>
            {isBusy ? t('submitting') : t('submit')}
          </button>
        </form>
      </div>
      <PreferenceControls />
    </main>
  );
}
