import { useSyncExternalStore } from 'react';
import { usePreferences } from '../shared/preferences.tsx';

const query = '(prefers-color-scheme: dark)';

/** The theme that is shown: the chosen one, or that of the system while it lasts. */
export function useThemeNow(): 'light' | 'dark' {
  const { theme } = usePreferences();
  const isDark = useSyncExternalStore(subscribe, () => matchMedia(query).matches);
  if (theme !== 'system') return theme;
  return isDark ? 'dark' : 'light';
}

function subscribe(listen: () => void): () => void {
  const media = matchMedia(query);
  media.addEventListener('change', listen);
  return () => media.removeEventListener('change', listen);
}
