import { useTexts } from '../shared/preferences.tsx';
import { defineTexts } from '../shared/text.ts';
import type { ExportKind, ExportVariables } from './export-file.ts';
import { useExports } from './exporting.tsx';
import { Icon } from './ui.tsx';

const texts = defineTexts({ download: 'Download CSV' }, { download: '下载 CSV' });

type ExportButtonProps = { readonly kind: ExportKind; readonly variables: ExportVariables };

/** Downloads the whole list, with the filters and the order that are shown. */
export function ExportButton({ kind, variables }: ExportButtonProps) {
  const t = useTexts(texts);
  const { current, start } = useExports();
  return (
    <button
      type="button"
      className="button"
      disabled={current?.state === 'running'}
      onClick={() => void start(kind, variables)}
    >
      <Icon name="download" />
      {t('download')}
    </button>
  );
}
