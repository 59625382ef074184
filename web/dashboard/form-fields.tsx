import { createContext, type ReactNode, useContext, useId } from 'react';
import { useTexts } from '../shared/preferences.tsx';
import { defineTexts } from '../shared/text.ts';
import type { Issue } from './mutation.ts';

const texts = defineTexts({ refused: 'It {message}' }, { refused: '服务器不接受：{message}' });

/** What is wrong with a form, and with which field; null if it is no field’s fault. */
export type FieldProblem = { readonly field: string | null; readonly text: string };

/** The problems of the form around a field. */
export const FieldProblems = createContext<readonly FieldProblem[]>([]);

/** Returns what the server says about the fields that the form has, and about the rest. */
export function useServerProblems(): (form: HTMLFormElement, issues: readonly Issue[]) => readonly FieldProblem[] {
  const t = useTexts(texts);
  return (form, issues) =>
    issues.map(({ path, message }) => {
      const [field = ''] = path.split('.');
      return form.elements.namedItem(field) === null
        ? { field: null, text: `${path} ${message}`.trim() }
        : { field, text: t('refused', { message }) };
    });
}

/** Puts the focus on the first field with a problem. */
export function focusProblem(form: HTMLFormElement | null): void {
  form?.querySelector<HTMLElement>('[aria-invalid="true"]')?.focus();
}

/** Returns what is wrong with a field, or null. */
export function useFieldProblem(name: string): string | null {
  return useContext(FieldProblems).find(({ field }) => field === name)?.text ?? null;
}

/** What an input needs to belong to its label, its hint and its problem. */
type FieldControl = {
  readonly id: string;
  readonly name: string;
  readonly 'aria-invalid': boolean;
  readonly 'aria-describedby': string | undefined;
};

type FieldProps = {
  readonly name: string;
  readonly label: string;
  readonly hint?: string | undefined;
  readonly children: (control: FieldControl) => ReactNode;
};

/** A field with its label, a hint, and what is wrong with it. */
export function Field({ name, label, hint, children }: FieldProps) {
  const id = useId();
  const problem = useFieldProblem(name);
  const described = [hint === undefined ? '' : `${id}-hint`, problem === null ? '' : `${id}-problem`];
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      {children({
        ...{ id, name, 'aria-invalid': problem !== null },
        'aria-describedby': described.join(' ').trim() || undefined,
      })}
      {hint !== undefined && (
        <p className="hint" id={`${id}-hint`}>
          {hint}
        </p>
      )}
      {problem !== null && (
        <p className="error" id={`${id}-problem`}>
          {problem}
        </p>
      )}
    </div>
  );
}

type TextFieldProps = Omit<FieldProps, 'children'> & {
  readonly value?: string | undefined;
  readonly lengthMax?: number;
  readonly type?: 'text' | 'url' | 'datetime-local';
};

export function TextField({ value = '', lengthMax, type = 'text', ...field }: TextFieldProps) {
  return (
    <Field {...field}>
      {(control) => (
        <input
          {...control}
          type={type}
          className="input"
          defaultValue={value}
          maxLength={lengthMax}
          autoComplete="off"
        />
      )}
    </Field>
  );
}

/** The text of a field, without spaces at its ends. */
export function textOf(form: FormData, name: string): string {
  return String(form.get(name) ?? '').trim();
}
