import type { PaystreamError } from '@paystream/client';
import { type ReactNode, useEffect, useState } from 'react';
import type { Amount } from '../shared/format.ts';
import { useFormat, useTexts } from '../shared/preferences.tsx';
import { defineTexts } from '../shared/text.ts';
import { isKnownStatus, type Kind, statusTexts, toneOf } from './statuses.ts';

const texts = defineTexts(
  {
    retry: 'Try again',
    loading: 'Loading…',
    copy: 'Copy {what}',
    copied: 'Copied',
    failed: 'This could not be loaded',
    NETWORK: 'The server cannot be reached. The page tries again when the connection is back.',
    FORBIDDEN: 'Your role may not see this.',
    RATE_LIMITED: 'Too many requests. Try again in a moment.',
    OVERLOADED: 'The server is busy. Try again in a moment.',
    INTERNAL: 'The server has made a mistake. Report the request id to its operator: {requestId}',
    BAD_USER_INPUT: 'The server refuses this request.',
  },
  {
    retry: '重试',
    loading: '加载中…',
    copy: '复制{what}',
    copied: '已复制',
    failed: '无法加载',
    NETWORK: '无法连接服务器。恢复连接后页面会自动重试。',
    FORBIDDEN: '您的角色无权查看。',
    RATE_LIMITED: '请求过多，请稍后再试。',
    OVERLOADED: '服务器繁忙，请稍后再试。',
    INTERNAL: '服务器出错。请将请求编号告知管理员：{requestId}',
    BAD_USER_INPUT: '服务器拒绝了此请求。',
  },
);

/** Returns the name of a constant of the API in the language of the page. */
export function useNames(): (kind: Kind, value: string) => string {
  const t = useTexts(statusTexts);
  return (kind, value) => {
    const key = `${kind}.${value}`;
    return isKnownStatus(key) ? (t as (known: string) => string)(key) : value;
  };
}

export function Status({ kind, value }: { readonly kind: Kind; readonly value: string }) {
  const name = useNames();
  return (
    <span className="badge" data-tone={toneOf(kind, value)}>
      {name(kind, value)}
    </span>
  );
}

export function Money({ value }: { readonly value: Amount }) {
  const format = useFormat();
  return <span className="number">{format.money(value)}</span>;
}

/** A time. Its title has the seconds and the zone. */
export function Time({ value, isShort = false }: { readonly value: string | Date; readonly isShort?: boolean }) {
  const format = useFormat();
  const time = new Date(value);
  return (
    <time dateTime={time.toISOString()} title={format.exactTime(time)} className="number">
      {isShort ? format.timeOfDay(time) : format.dateTime(time)}
    </time>
  );
}

/** The time that has passed, which goes on. */
export function Ago({ value }: { readonly value: string }) {
  const format = useFormat();
  const now = useNow(10_000);
  return (
    <time dateTime={value} title={format.exactTime(value)}>
      {format.relative(value, now)}
    </time>
  );
}

export function useNow(everyMs: number): Date {
  const [now, setNow] = useState(() => new Date());
  useEffect(() => {
    const timer = setInterval(() => setNow(new Date()), everyMs);
    return () => clearInterval(timer);
  }, [everyMs]);
  return now;
}

/** An id that can be copied. */
export function Id({ value, what }: { readonly value: string; readonly what: string }) {
  const t = useTexts(texts);
  const [isCopied, setCopied] = useState(false);
  useEffect(() => {
    if (!isCopied) return;
    const timer = setTimeout(() => setCopied(false), 1500);
    return () => clearTimeout(timer);
  }, [isCopied]);
  return (
    <span className="id">
      <code>{value}</code>
      <button
        type="button"
        className="icon-button"
        aria-label={isCopied ? t('copied') : t('copy', { what })}
        title={isCopied ? t('copied') : t('copy', { what })}
        onClick={() =>
          navigator.clipboard?.writeText(value).then(
            () => setCopied(true),
            () => undefined, // the browser does not allow it; the id can be selected
          )
        }
      >
        <Icon name={isCopied ? 'check' : 'copy'} />
      </button>
    </span>
  );
}

const icons = {
  check: 'M3 8.500l3.200 3.200L13 5',
  copy: 'M5.500 5.500v-3h8v8h-3M2.500 5.500h8v8h-8z',
  search: 'M7 12A5 5 0 1 0 7 2a5 5 0 0 0 0 10zM10.800 10.800L14 14',
  warning: 'M8 2l6.500 11.500h-13zM8 6.500v3.200M8 11.600v.1',
  left: 'M10 3L5 8l5 5',
  right: 'M6 3l5 5-5 5',
  close: 'M3.500 3.500l9 9M12.500 3.500l-9 9',
  person:
    'M8 8a2.800 2.800 0 1 0 0-5.600A2.800 2.800 0 0 0 8 8zM2.500 14c.5-3 2.800-4.500 5.500-4.500s5 1.500 5.500 4.500',
  empty: 'M2 9l2-6h8l2 6v4H2zM2 9h3.500l1 1.800h3l1-1.800H14',
  refresh: 'M13 8a5 5 0 1 1-1.500-3.600M13 2v3h-3',
  download: 'M8 2v8M4.500 6.800L8 10.300l3.500-3.500M2.500 13.500h11',
  link: 'M6 3H3v10h10v-3M9 3h4v4M13 3L7 9',
} as const;

export function Icon({ name, size = 16 }: { readonly name: keyof typeof icons; readonly size?: number }) {
  return (
    <svg width={size} height={size} viewBox="0 0 16 16" fill="none" aria-hidden="true" focusable="false">
      <path d={icons[name]} stroke="currentColor" strokeWidth="1.5" strokeLinecap="round" strokeLinejoin="round" />
    </svg>
  );
}

type PanelProps = {
  readonly title: ReactNode;
  readonly aside?: ReactNode;
  readonly children: ReactNode;
  /** Without padding, for tables and lists. */
  readonly isFlush?: boolean;
};

export function Panel({ title, aside, children, isFlush = false }: PanelProps) {
  return (
    <section className="panel">
      <header className="panel-head">
        <h2>{title}</h2>
        {aside}
      </header>
      <div className={isFlush ? 'panel-body flush' : 'panel-body'}>{children}</div>
    </section>
  );
}

/** There is nothing to show, and what to do about it. */
export function Empty({ title, children }: { readonly title: string; readonly children?: ReactNode }) {
  return (
    <div className="empty">
      <Icon name="empty" size={28} />
      <p className="empty-title">{title}</p>
      {children !== undefined && <p className="muted">{children}</p>}
    </div>
  );
}

export function Failure({ error, onRetry }: { readonly error: PaystreamError; readonly onRetry: () => void }) {
  const t = useTexts(texts);
  const explain = () => {
    switch (error.code) {
      case 'NETWORK':
      case 'FORBIDDEN':
      case 'RATE_LIMITED':
      case 'OVERLOADED':
      case 'BAD_USER_INPUT':
        return t(error.code);
      default:
        return t('INTERNAL', { requestId: error.requestId ?? '–' });
    }
  };
  return (
    <div className="empty" role="alert">
      <Icon name="warning" size={28} />
      <p className="empty-title">{t('failed')}</p>
      <p className="muted">{explain()}</p>
      {error.code === 'BAD_USER_INPUT' && <p className="muted">{error.message}</p>}
      <button type="button" className="button" onClick={onRetry}>
        {t('retry')}
      </button>
    </div>
  );
}

/** Takes the place of rows that are being loaded. */
export function Skeleton({ rows = 4 }: { readonly rows?: number }) {
  const t = useTexts(texts);
  return (
    <div className="skeleton" role="status">
      <span className="visually-hidden">{t('loading')}</span>
      {Array.from({ length: rows }, (_, index) => index).map((row) => (
        <span key={row} className="skeleton-row" aria-hidden="true" />
      ))}
    </div>
  );
}
