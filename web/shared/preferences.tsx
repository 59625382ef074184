import { createContext, type ReactNode, useContext, useEffect, useMemo, useState } from 'react';
import { createFormat, type Format } from './format.ts';
import {
  type Language,
  languages,
  localeOf,
  type Message,
  preferredLanguage,
  type Texts,
  type Translate,
  translator,
} from './text.ts';

export const themes = ['system', 'light', 'dark'] as const;
export type Theme = (typeof themes)[number];

type Preferences = {
  readonly language: Language;
  setLanguage(language: Language): void;
  readonly theme: Theme;
  setTheme(theme: Theme): void;
  readonly format: Format;
};

const PreferencesContext = createContext<Preferences | null>(null);

/** The language and the theme of a page: what was chosen before in this browser, else what the browser prefers. */
export function PreferencesProvider({ children }: { readonly children: ReactNode }) {
  const [language, setLanguage] = useKept<Language>('paystream.language', languages, preferredLanguage());
  const [theme, setTheme] = useKept<Theme>('paystream.theme', themes, 'system');
  useEffect(() => {
    document.documentElement.lang = language === 'zh' ? 'zh-CN' : 'en';
  }, [language]);
  useEffect(() => applyTheme(theme), [theme]);
  const format = useMemo(() => createFormat(localeOf(language)), [language]);
  const value = useMemo(
    () => ({ language, setLanguage, theme, setTheme, format }),
    [language, setLanguage, theme, setTheme, format],
  );
  return <PreferencesContext value={value}>{children}</PreferencesContext>;
}

function applyTheme(theme: Theme): void {
  if (theme === 'system') delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
}

/** Applies the kept theme before anything is drawn. Call it first. */
export function applyKeptTheme(): void {
  applyTheme(themes.find((theme) => theme === read('paystream.theme')) ?? 'system');
}

export function usePreferences(): Preferences {
  const preferences = useContext(PreferencesContext);
  if (preferences === null) throw new Error('usePreferences is used outside of PreferencesProvider.');
  return preferences;
}

/** The texts in the language of the page. */
export function useTexts<En extends Record<string, Message>>(texts: Texts<En>): Translate<En> {
  const { language } = usePreferences();
  return useMemo(() => translator(texts, language), [texts, language]);
}

export function useFormat(): Format {
  return usePreferences().format;
}

function useKept<Value extends string>(key: string, allowed: readonly Value[], initial: Value) {
  const [value, setValue] = useState<Value>(() => allowed.find((one) => one === read(key)) ?? initial);
  const keep = useMemo(
    () => (chosen: Value) => {
      setValue(chosen);
      write(key, chosen);
    },
    [key],
  );
  return [value, keep] as const;
}

/** Storage may be forbidden: then the choice lasts as long as the page. */
function read(key: string): string | null {
  try {
    return localStorage.getItem(key);
  } catch {
    return null;
  }
}

function write(key: string, value: string): void {
  try {
    localStorage.setItem(key, value);
  } catch {
    // see `read`
  }
}
