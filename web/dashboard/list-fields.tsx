import { type ReactNode, useEffect, useId, useState } from 'react';
import { useTexts } from '../shared/preferences.tsx';
import { isUnfiltered, type ListConditions, methods } from './list-conditions.ts';
import { listTexts } from './list-texts.ts';
import type { Kind } from './statuses.ts';
import { Icon, useNames } from './ui.tsx';

/** Changes conditions, and shows the first page. @param replaces the entry of the history, as for a text that is being typed. */
export type SetConditions = (changes: Readonly<Record<string, string>>, replaces?: boolean) => void;

/** The fields of one list alone: before, and after those that all lists have. */
export type OwnFilters = { readonly search?: ReactNode; readonly choices: ReactNode; readonly more?: ReactNode };

type FiltersProps = OwnFilters & {
  readonly conditions: ListConditions & Readonly<Record<string, string>>;
  readonly set: SetConditions;
  readonly onClear: () => void;
};

/** The filters of a list. On phones a button shows and hides them. */
export function Filters({ conditions, set, onClear, search, choices, more }: FiltersProps) {
  const t = useTexts(listTexts);
  const [isOpen, setOpen] = useState(false);
  return (
    <search className="filters" data-open={isOpen} data-row={more === undefined}>
      {search}
      <button
        type="button"
        className="button filters-toggle"
        aria-expanded={isOpen}
        onClick={() => setOpen((before) => !before)}
      >
        {t('filters')}
      </button>
      {choices}
      <ConstantChoice
        label={t('method')}
        kind="method"
        values={methods}
        value={conditions.method ?? ''}
        onChoose={(method) => set({ method })}
      />
      <div className="days">
        <DayField label={t('from')} value={conditions.from} onChange={(from) => set({ from })} />
        <DayField label={t('to')} value={conditions.to} onChange={(to) => set({ to })} />
      </div>
      <Choice label={t('sort')} value={conditions.sort} onChoose={(sort) => set({ sort })} any={t('newest')}>
        <option value="oldest">{t('oldest')}</option>
      </Choice>
      {more}
      {!isUnfiltered(conditions) && (
        <button type="button" className="button" data-kind="plain" onClick={onClear}>
          <Icon name="close" />
          {t('clear')}
        </button>
      )}
    </search>
  );
}

type ChoiceProps = {
  readonly label: string;
  readonly value: string;
  readonly onChoose: (value: string) => void;
  readonly any?: string;
  readonly children: ReactNode;
};

function Choice({ label, value, onChoose, any, children }: ChoiceProps) {
  const t = useTexts(listTexts);
  const id = useId();
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      <select id={id} className="input" value={value} onChange={({ target }) => onChoose(target.value)}>
        <option value="">{any ?? t('any')}</option>
        {children}
      </select>
    </div>
  );
}

type ConstantChoiceProps = Omit<ChoiceProps, 'children' | 'any'> & {
  readonly kind: Kind;
  readonly values: readonly string[];
};

/** A choice among constants of the API. */
export function ConstantChoice({ kind, values, ...rest }: ConstantChoiceProps) {
  const name = useNames();
  return (
    <Choice {...rest}>
      {values.map((value) => (
        <option key={value} value={value}>
          {name(kind, value)}
        </option>
      ))}
    </Choice>
  );
}

type TextFieldProps = { readonly label: string; readonly value: string; readonly onChange: (value: string) => void };

function DayField({ label, value, onChange }: TextFieldProps) {
  const id = useId();
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      <input id={id} type="date" className="input" value={value} onChange={({ target }) => onChange(target.value)} />
    </div>
  );
}

const typingMs = 300;

type SearchFieldProps = {
  readonly hint: string;
  readonly value: string;
  readonly lengthMin: number;
  readonly onSearch: (value: string) => void;
};

/** Searches when the typing pauses. */
export function SearchField({ hint, value, lengthMin, onSearch }: SearchFieldProps) {
  const t = useTexts(listTexts);
  const id = useId();
  const [typed, setTyped] = useState(value);
  useEffect(() => setTyped(value), [value]);
  // biome-ignore lint/correctness/useExhaustiveDependencies(onSearch): it is another function each time
  useEffect(() => {
    if (typed.trim() === value) return;
    const timer = setTimeout(() => onSearch(typed.trim()), typingMs);
    return () => clearTimeout(timer);
  }, [typed, value]);
  return (
    <div className="field search-field">
      <label htmlFor={id}>{t('search')}</label>
      <input
        id={id}
        type="search"
        className="input"
        autoComplete="off"
        spellCheck={false}
        placeholder={hint}
        value={typed}
        onChange={({ target }) => setTyped(target.value)}
      />
      <p className="hint" role="status">
        {typed.trim() !== '' && typed.trim().length < lengthMin ? t('searchShort', { count: lengthMin }) : ''}
      </p>
    </div>
  );
}
