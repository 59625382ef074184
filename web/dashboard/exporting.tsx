import { createContext, type ReactNode, useContext, useEffect, useMemo, useRef, useState } from 'react';
import { useFormat, useTexts } from '../shared/preferences.tsx';
import { defineTexts } from '../shared/text.ts';
import {
  chooseTarget,
  ExportFailedError,
  type ExportFailure,
  type ExportKind,
  type ExportVariables,
  exportAddress,
  saveExport,
} from './export-file.ts';
import { useSession } from './session.ts';
import { Icon } from './ui.tsx';

const texts = defineTexts(
  {
    running: 'Downloading {file}',
    saved: '{file} is saved.',
    failed: '{file} was not saved.',
    busy: 'The server is sending other exports. Try again in a moment.',
    refused: 'The server refuses this export.',
    unreachable: 'The server cannot be reached.',
    cut: 'The download was cut before its end. Try again.',
    unsaved: 'The browser could not write the file. Look whether the disk is full.',
    cancel: 'Cancel',
    close: 'Close',
  },
  {
    running: '正在下载 {file}',
    saved: '{file} 已保存。',
    failed: '{file} 未保存。',
    busy: '服务器正在发送其他导出，请稍后再试。',
    refused: '服务器拒绝了此导出。',
    unreachable: '无法连接服务器。',
    cut: '下载中断，文件不完整。请重试。',
    unsaved: '浏览器无法写入文件，请检查磁盘空间。',
    cancel: '取消',
    close: '关闭',
  },
);

type Export =
  | { readonly file: string; readonly state: 'running'; readonly bytes: number }
  | { readonly file: string; readonly state: 'saved' }
  | { readonly file: string; readonly state: 'failed'; readonly reason: Exclude<ExportFailure, 'signedOut'> };

type Exports = {
  /** The export that is running, or else the last one until its notice is closed. */
  readonly current: Export | null;
  start(kind: ExportKind, variables: ExportVariables): Promise<void>;
};

const ExportsContext = createContext<Exports | null>(null);

export function useExports(): Exports {
  const exports = useContext(ExportsContext);
  if (exports === null) throw new Error('useExports is used outside of ExportsProvider.');
  return exports;
}

/** The number of bytes is shown anew after this time, in milliseconds. */
const progressMs = 200;

type ExportsProviderProps = { readonly children: (notice: ReactNode) => ReactNode };

/** Exports, one at a time. They go on while other pages of the dashboard are shown, and their notice is above each. */
export function ExportsProvider({ children }: ExportsProviderProps) {
  const { token, end } = useSession();
  const [current, setCurrent] = useState<Export | null>(null);
  const ending = useRef<AbortController>(undefined);
  useEffect(() => () => ending.current?.abort(), []);

  const value = useMemo<Exports>(
    () => ({
      current,
      async start(kind, variables) {
        const file = `${kind}.csv`;
        const run = new AbortController();
        let shownAt = 0;
        const show = (bytes: number) => {
          if (performance.now() - shownAt < progressMs) return;
          shownAt = performance.now();
          setCurrent({ file, state: 'running', bytes });
        };
        try {
          const target = await chooseTarget(file);
          if (target === null) return;
          ending.current = run;
          show(0);
          const address = exportAddress(kind, variables);
          await saveExport(target, { address, token, signal: run.signal, onProgress: show });
          setCurrent({ file, state: 'saved' });
        } catch (error) {
          if (run.signal.aborted) return setCurrent(null);
          if (!(error instanceof ExportFailedError)) throw error;
          if (error.reason === 'signedOut') return end();
          setCurrent({ file, state: 'failed', reason: error.reason });
        }
      },
    }),
    [current, token, end],
  );
  const notice = (
    <ExportNotice current={current} onCancel={() => ending.current?.abort()} onClose={() => setCurrent(null)} />
  );
  return <ExportsContext value={value}>{children(notice)}</ExportsContext>;
}

type ExportNoticeProps = {
  readonly current: Export | null;
  readonly onCancel: () => void;
  readonly onClose: () => void;
};

const tones = { running: 'info', saved: 'good', failed: 'bad' } as const;

function ExportNotice({ current, onCancel, onClose }: ExportNoticeProps) {
  const t = useTexts(texts);
  const { locale } = useFormat();
  const size = new Intl.NumberFormat(locale, { style: 'unit', unit: 'megabyte', maximumFractionDigits: 1 });
  return (
    <div role="status">
      {current !== null && (
        <div className="notice" data-tone={tones[current.state]}>
          <Icon name={({ running: 'download', saved: 'check', failed: 'warning' } as const)[current.state]} />
          <p>
            {t(current.state, { file: current.file })} {current.state === 'failed' && t(current.reason)}
            {current.state === 'running' && (
              <span className="number" aria-live="off">
                {size.format(current.bytes / 1e6)}
              </span>
            )}
          </p>
          {current.state === 'running' ? (
            <button type="button" className="button" onClick={onCancel}>
              {t('cancel')}
            </button>
          ) : (
            <button type="button" className="icon-button" aria-label={t('close')} title={t('close')} onClick={onClose}>
              <Icon name="close" />
            </button>
          )}
        </div>
      )}
    </div>
  );
}
