import type { Theme } from './preferences.tsx';
import { usePreferences, useTexts } from './preferences.tsx';
import { defineTexts, type Language } from './text.ts';

const texts = defineTexts(
  { language: 'Language', theme: 'Theme', system: 'System', light: 'Light', dark: 'Dark' },
  { language: '语言', theme: '主题', system: '跟随系统', light: '浅色', dark: '深色' },
);

/** Two lists with which a person chooses the language and the theme. */
export function PreferenceControls() {
  const { language, setLanguage, theme, setTheme } = usePreferences();
  const t = useTexts(texts);
  return (
    <div className="preferences">
      <select
        aria-label={t('language')}
        className="preference"
        value={language}
        onChange={({ target }) => setLanguage(target.value as Language)}
      >
        <option value="en" lang="en">
          English
        </option>
        <option value="zh" lang="zh-CN">
          中文
        </option>
      </select>
      <select
        aria-label={t('theme')}
        className="preference"
        value={theme}
        onChange={({ target }) => setTheme(target.value as Theme)}
      >
        <option value="system">{t('system')}</option>
        <option value="light">{t('light')}</option>
        <option value="dark">{t('dark')}</option>
      </select>
    </div>
  );
}
