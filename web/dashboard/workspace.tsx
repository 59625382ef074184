import { Popover } from '@base-ui/react/popover';
import { type ReactNode, Suspense, useEffect, useRef, useState } from 'react';
import type { ToDoQuery } from '../../generated/web/operations.ts';
import { PreferenceControls } from '../shared/preference-controls.tsx';
import { useFormat, useTexts } from '../shared/preferences.tsx';
import { defineTexts } from '../shared/text.ts';
import { Brand } from './brand.tsx';
import { ExportsProvider } from './exporting.tsx';
import { lazyPage } from './lazy-page.ts';
import { followMerchant, type Live, LiveContext, useLiveState } from './live.ts';
import { Overview } from './overview.tsx';
import { Link, type Place, usePlace } from './router.tsx';
import { isRefused, useSession } from './session.ts';
import { usePageFocus, usePageTitle } from './shown-page.ts';
import { countOf, useToDo } from './to-do.ts';
import { Empty, Icon, Skeleton, useNames } from './ui.tsx';
import type { Loaded } from './use-query.ts';

const texts = defineTexts(
  {
    skip: 'Skip to the content',
    overview: 'Overview',
    orders: 'Orders',
    payments: 'Payments',
    refunds: 'Refunds',
    webhooks: 'Webhooks',
    attention: 'To do',
    navigation: 'Pages',
    account: 'Account',
    signOut: 'Sign out',
    signedInAs: 'Signed in as {role}',
    connecting: 'Connecting…',
    live: 'Live',
    lost: 'Reconnecting',
    ended: 'Stopped',
    since: 'since {time}',
    lostLong:
      'No connection to the server since {time}. What you see may be old. The page reconnects by itself, and no event is missed.',
    endedLong: 'The server has ended the live feed. Reload the page to start it again.',
    notFound: 'There is no such page',
    notFoundHint: 'The address may be incomplete.',
  },
  {
    skip: '跳到内容',
    overview: '概览',
    orders: '订单',
    payments: '支付',
    refunds: '退款',
    webhooks: 'Webhook',
    attention: '待办',
    navigation: '页面',
    account: '账户',
    signOut: '退出登录',
    signedInAs: '身份：{role}',
    connecting: '连接中…',
    live: '实时',
    lost: '重新连接中',
    ended: '已停止',
    since: '自 {time}',
    lostLong: '自 {time} 起与服务器断开。当前内容可能已过时。页面会自动重连，不会遗漏任何事件。',
    endedLong: '服务器已结束实时推送。请刷新页面以重新开始。',
    notFound: '页面不存在',
    notFoundHint: '地址可能不完整。',
  },
);

const Attention = lazyPage(async () => (await import('./attention.tsx')).Attention);
const Orders = lazyPage(async () => (await import('./orders.tsx')).Orders);
const Payments = lazyPage(async () => (await import('./payments.tsx')).Payments);
const Refunds = lazyPage(async () => (await import('./refunds.tsx')).Refunds);
const Webhooks = lazyPage(async () => (await import('./webhooks.tsx')).Webhooks);
const OrderPage = lazyPage(async () => (await import('./order-page.tsx')).OrderPage);

/** The dashboard of a person who is signed in: the pages, around one live feed. */
export function Workspace({ onSignOut }: { readonly onSignOut: () => void }) {
  const { client, token, end } = useSession();
  const [live, setLive] = useState<Live | null>(null);
  useEffect(() => {
    const leaving = new AbortController();
    // A socket whose token has expired or was revoked is closed like one that may not connect. The API knows which of them it was.
    const opened = followMerchant(client, async () => {
      if ((await isRefused(token, leaving.signal)) && !leaving.signal.aborted) end();
    });
    setLive(opened);
    return () => {
      leaving.abort();
      opened.close();
    };
  }, [client, token, end]);
  if (live === null) return null;
  return (
    <LiveContext value={live}>
      <ExportsProvider>{(notice) => <Frame onSignOut={onSignOut} notice={notice} />}</ExportsProvider>
    </LiveContext>
  );
}

type FrameProps = { readonly onSignOut: () => void; readonly notice: ReactNode };

function Frame({ onSignOut, notice }: FrameProps) {
  const t = useTexts(texts);
  const place = usePlace();
  const { viewer } = useSession();
  const toDo = useToDo();
  const count = countOf(toDo.data);
  const [section = ''] = place.path.slice(1).split('/');
  const nav = useRef<HTMLElement>(null);
  // biome-ignore lint/correctness/useExhaustiveDependencies(section): another link is the current one
  // biome-ignore lint/correctness/useExhaustiveDependencies(count): it makes the link before wider
  useEffect(() => {
    // On phones there are more links than fit.
    nav.current?.querySelector('[aria-current]')?.scrollIntoView({ block: 'nearest', inline: 'nearest' });
  }, [section, count]);
  const links = [
    ['/', '', t('overview')],
    ['/attention', 'attention', t('attention')],
    ['/orders', 'orders', t('orders')],
    ['/payments', 'payments', t('payments')],
    ['/refunds', 'refunds', t('refunds')],
    ['/webhooks', 'webhooks', t('webhooks')],
  ] as const;
  return (
    <>
      <a className="skip" href="#content">
        {t('skip')}
      </a>
      <header className="bar">
        <div className="bar-inner">
          <Link to="/" className="bar-brand">
            <Brand />
            <span className="merchant">{viewer.merchant.name}</span>
          </Link>
          <nav ref={nav} aria-label={t('navigation')} className="nav">
            {links.map(([to, name, label]) => (
              <Link key={to} to={to} aria-current={section === name ? 'page' : undefined}>
                {label}
                {name === 'attention' && count > 0 && <span className="count">{count > 99 ? '99+' : count}</span>}
              </Link>
            ))}
          </nav>
          <div className="bar-end">
            <Connection />
            <Account onSignOut={onSignOut} />
          </div>
        </div>
      </header>
      <ConnectionNotice />
      {notice}
      <Content place={place} section={section} toDo={toDo} />
    </>
  );
}

type ContentProps = { readonly place: Place; readonly section: string; readonly toDo: Loaded<ToDoQuery> };

function Content({ place, section, toDo }: ContentProps) {
  const t = useTexts(texts);
  const [, , part] = place.path.split('/');
  const id = part === undefined ? null : decode(part);
  const page = (): { readonly title: string | null; readonly content: ReactNode } => {
    if (section === '') return { title: t('overview'), content: <Overview /> };
    if (section === 'orders' && id !== null) return { title: null, content: <OrderPage key={id} id={id} /> };
    if (section === 'orders' && part === undefined)
      return { title: t('orders'), content: <Orders query={place.query} /> };
    if (section === 'payments') return { title: t('payments'), content: <Payments query={place.query} /> };
    if (section === 'refunds') return { title: t('refunds'), content: <Refunds query={place.query} /> };
    if (section === 'webhooks') return { title: t('webhooks'), content: <Webhooks /> };
    if (section === 'attention') return { title: t('attention'), content: <Attention toDo={toDo} /> };
    return { title: t('notFound'), content: <Empty title={t('notFound')}>{t('notFoundHint')}</Empty> };
  };
  const { title, content } = page();
  const main = useRef<HTMLElement>(null);
  usePageTitle(title);
  usePageFocus(main, place.path);
  return (
    <main id="content" ref={main} tabIndex={-1} className="content">
      <Suspense fallback={<Skeleton rows={8} />}>{content}</Suspense>
    </main>
  );
}

/** A part of an address; null when its percent signs stand for no text. */
function decode(part: string): string | null {
  try {
    return decodeURIComponent(part);
  } catch {
    return null;
  }
}

function Connection() {
  const t = useTexts(texts);
  const format = useFormat();
  const { connection, since } = useLiveState();
  return (
    <p className="connection" role="status" data-state={connection}>
      <span className="dot" aria-hidden="true" />
      <span className="connection-text">
        {t(connection)}
        {connection === 'lost' && (
          <span className="connection-since"> {t('since', { time: format.timeOfDay(since) })}</span>
        )}
      </span>
    </p>
  );
}

function ConnectionNotice() {
  const t = useTexts(texts);
  const format = useFormat();
  const { connection, since } = useLiveState();
  if (connection !== 'lost' && connection !== 'ended') return null;
  return (
    <div className="notice" data-tone={connection === 'lost' ? 'warn' : 'bad'}>
      <Icon name="warning" />
      <p>{connection === 'lost' ? t('lostLong', { time: format.timeOfDay(since) }) : t('endedLong')}</p>
    </div>
  );
}

function Account({ onSignOut }: { readonly onSignOut: () => void }) {
  const t = useTexts(texts);
  const name = useNames();
  const { viewer } = useSession();
  return (
    <Popover.Root>
      <Popover.Trigger className="icon-button account" aria-label={t('account')}>
        <Icon name="person" size={18} />
      </Popover.Trigger>
      <Popover.Portal>
        <Popover.Positioner sideOffset={8} align="end" className="positioner">
          <Popover.Popup className="popup account-popup" aria-label={t('account')}>
            <p className="account-name">
              <span className="muted">{t('signedInAs', { role: name('role', viewer.role) })}</span>
              <code>{viewer.id}</code>
            </p>
            <PreferenceControls />
            <button type="button" className="button" onClick={onSignOut}>
              {t('signOut')}
            </button>
          </Popover.Popup>
        </Popover.Positioner>
      </Popover.Portal>
    </Popover.Root>
  );
}
