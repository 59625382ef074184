import { CSPProvider } from '@base-ui/react/csp-provider';
import { type ReactNode, StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { ErrorBoundary } from './error-boundary.tsx';
import { applyKeptTheme, PreferencesProvider } from './preferences.tsx';
import './theme.css';

/** Shows a page in `#root`. Components may not write `<style>`: the content security policy of the pages refuses it. */
export function mount(page: ReactNode): void {
  applyKeptTheme();
  const root = document.getElementById('root');
  if (root === null) throw new Error('The page has no #root.');
  createRoot(root).render(
    <StrictMode>
      <CSPProvider disableStyleElements>
        <PreferencesProvider>
          <ErrorBoundary>{page}</ErrorBoundary>
        </PreferencesProvider>
      </CSPProvider>
    </StrictMode>,
  );
}
