/** The languages of the pages. */
export const languages = ['en', 'zh'] as const;
export type Language = (typeof languages)[number];

/** A text with `{name}` for what is put in. With `one` and `other`, `{count}` decides. */
export type Message = string | { readonly one: string; readonly other: string };

/** The texts of a part of a page in all languages, by key. */
export type Texts<En extends Record<string, Message>> = {
  readonly en: En;
  readonly zh: { readonly [Key in keyof En]: Message };
};

/** Declares texts. A key that one language lacks does not compile. */
export function defineTexts<const En extends Record<string, Message>>(
  en: En,
  zh: { readonly [Key in keyof En]: Message } & { readonly [Key in Exclude<string, keyof En>]?: Message },
): Texts<En> {
  return { en, zh };
}

type Names<Text extends string> = Text extends `${string}{${infer Name}}${infer Rest}` ? Name | Names<Rest> : never;
type NamesOf<M extends Message> = M extends string
  ? Names<M>
  : M extends { readonly one: infer One extends string; readonly other: infer Other extends string }
    ? Names<One> | Names<Other> | 'count'
    : never;
type Values<M extends Message> = { readonly [Name in NamesOf<M>]: Name extends 'count' ? number : string | number };

/** Returns the text of a key. What its braces name is required, and typed. */
export type Translate<En extends Record<string, Message>> = <Key extends keyof En>(
  key: Key,
  ...values: [NamesOf<En[Key]>] extends [never] ? [] : [Values<En[Key]>]
) => string;

export function translator<En extends Record<string, Message>>(texts: Texts<En>, language: Language): Translate<En> {
  const rules = new Intl.PluralRules(language);
  const numbers = new Intl.NumberFormat(language);
  return (key, ...[values]) => {
    const message: Message = texts[language][key];
    const given: Readonly<Record<string, unknown>> = values ?? {};
    const text =
      typeof message === 'string' ? message : message[rules.select(Number(given.count)) === 'one' ? 'one' : 'other'];
    return text.replace(/\{(\w+)\}/g, (_, name: string) => {
      const value = given[name];
      return typeof value === 'number' ? numbers.format(value) : String(value);
    });
  };
}

/** The language that suits the browser best. */
export function preferredLanguage(preferred: readonly string[] = navigator.languages): Language {
  for (const tag of preferred) {
    const found = languages.find((language) => tag.toLowerCase().split('-')[0] === language);
    if (found !== undefined) return found;
  }
  return 'en';
}

/** The locale for numbers and times: the browser's own, such as en-GB, where it is of this language. */
export function localeOf(language: Language, preferred: readonly string[] = navigator.languages): string {
  return (
    preferred.find((tag) => tag.toLowerCase().split('-')[0] === language) ?? { en: 'en-US', zh: 'zh-CN' }[language]
  );
}
