import { useId } from 'react';

/** The text of a field, without spaces at its ends. */
export function textOf(form: FormData, name: string): string {
  return String(form.get(name) ?? '').trim();
}

type TextFieldProps = {
  readonly name: string;
  readonly label: string;
  readonly value?: string | undefined;
  readonly lengthMax: number;
};

export function TextField({ name, label, value = '', lengthMax }: TextFieldProps) {
  const id = useId();
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      <input id={id} name={name} className="input" defaultValue={value} maxLength={lengthMax} autoComplete="off" />
    </div>
  );
}
