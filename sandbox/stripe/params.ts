import { invalid, type StripeRefusal } from './errors.ts';
import type { FormHash, FormValue } from './form.ts';

/** The reader of one parameter. `name` is the full name for errors: `line_items[0][quantity]`. */
export type Param<T> = { readonly read: (raw: FormValue, name: string) => T; readonly isRequired?: boolean };

type Fields = Readonly<Record<string, Param<unknown>>>;
type FieldValues<F extends Fields> = {
  readonly [K in keyof F]: F[K] extends RequiredParam<infer T> ? T : FieldOr<F[K]>;
};
type FieldOr<P> = P extends Param<infer T> ? T | undefined : never;
type RequiredParam<T> = Param<T> & { readonly isRequired: true };

export function required<T>(param: Param<T>): RequiredParam<T> {
  return { ...param, isRequired: true };
}

export function text(lengthMax = 5000): Param<string> {
  return {
    read(raw, name) {
      const value = scalar(raw, name);
      if (value.length > lengthMax) {
        throw invalid(`Invalid string: ${value.slice(0, 20)}…; must be at most ${lengthMax} characters`, name);
      }
      return value;
    },
  };
}

export function integer(): Param<number> {
  return {
    read(raw, name) {
      const value = scalar(raw, name);
      if (!/^-?\d{1,15}$/.test(value)) {
        throw invalid(`Invalid integer: ${value.slice(0, 50)}`, name, 'parameter_invalid_integer');
      }
      return Number(value);
    },
  };
}

export function flag(): Param<boolean> {
  return {
    read(raw, name) {
      const value = scalar(raw, name);
      if (value !== 'true' && value !== 'false') throw invalid(`Invalid boolean: ${value.slice(0, 50)}`, name);
      return value === 'true';
    },
  };
}

export function oneOf<const V extends string>(...values: readonly V[]): Param<V> {
  return {
    read(raw, name) {
      const value = scalar(raw, name);
      const known = values.find((candidate) => candidate === value);
      if (known === undefined) throw invalid(`Invalid ${name}: must be one of ${values.join(', ')}`, name);
      return known;
    },
  };
}

export function list<T>(item: Param<T>, lengthMax = 100): Param<readonly T[]> {
  return {
    read(raw, name) {
      if (raw === '') return [];
      if (typeof raw === 'string') throw invalid('Invalid array', name);
      if (raw.size > lengthMax) throw invalid(`Array ${name} exceeded maximum ${lengthMax} allowed elements.`, name);
      const entries = [...raw].map(([key, value]) => {
        if (!/^\d{1,6}$/.test(key)) throw invalid(`Invalid array`, name);
        return { position: Number(key), value };
      });
      entries.sort((a, b) => a.position - b.position);
      return entries.map(({ value }, index) => item.read(value, `${name}[${index}]`));
    },
  };
}

export function hash<F extends Fields>(fields: F): Param<FieldValues<F>> {
  return {
    read(raw, name) {
      if (typeof raw === 'string') throw invalid('Invalid object', name);
      return readFields(fields, raw, name);
    },
  };
}

/** Reads the parameters of a request. Unknown parameters are refused, as Stripe does. */
export function readParams<F extends Fields>(fields: F, form: FormHash): FieldValues<F> {
  return readFields(fields, form, '');
}

/** At most 50 pairs, keys of up to 40 and values of up to 500 characters. An empty value removes the pair. */
export function metadata(): Param<Readonly<Record<string, string>>> {
  return {
    read(raw, name) {
      if (raw === '') return {};
      if (typeof raw === 'string') throw invalid('Invalid object', name);
      if (raw.size > 50) throw invalid('You may only specify up to 50 metadata keys.', name);
      const pairs = [...raw].map(([key, value]): [string, string] => [
        metadataKey(key, name),
        text(500).read(value, `${name}[${key}]`),
      ]);
      return Object.fromEntries(pairs.filter(([, value]) => value !== ''));
    },
  };
}

/** The payment methods of Stripe, with immediate or delayed settlement. */
const knownTypes = new Set(
  (
    'acss_debit affirm afterpay_clearpay alipay amazon_pay au_becs_debit bacs_debit bancontact blik boleto card cashapp ' +
    'customer_balance eps fpx giropay grabpay ideal kakao_pay klarna konbini kr_card link mobilepay multibanco naver_pay ' +
    'oxxo p24 pay_by_bank paynow paypal payco pix promptpay revolut_pay samsung_pay sepa_debit sofort swish twint ' +
    'us_bank_account wechat_pay zip'
  ).split(' '),
);

/** The allowed payment methods: known to Stripe, each once, and including `card`, which is the only one that the sandbox offers. */
export function methodTypes(): Param<readonly string[]> {
  return {
    read(raw, name) {
      const types = list(text()).read(raw, name);
      if (types.length === 0) throw invalid(`Invalid array: ${name} must have at least one element.`, name);
      for (const [index, type] of types.entries()) {
        if (!knownTypes.has(type))
          throw invalid(`Invalid ${name}[${index}]: ${type.slice(0, 50)}`, `${name}[${index}]`);
        if (types.indexOf(type) !== index) throw invalid(`Duplicate ${name}: ${type}`, name);
      }
      if (!types.includes('card')) throw invalid(`The sandbox offers cards only: ${name} must include card.`, name);
      return types;
    },
  };
}

/** A parameter that the sandbox accepts without checks. */
export function anything(): Param<unknown> {
  return { read: plainValue };
}

/** A parameter of Stripe that the sandbox does not implement. It is refused, not ignored. */
export function notInSandbox(): Param<never> {
  return {
    read(_raw, name) {
      throw invalid(`The sandbox does not implement the parameter ${name}.`, name);
    },
  };
}

export const expand = list(text(200), 20);

export const createdRange: Param<CreatedRange> = {
  read(raw, name) {
    if (typeof raw !== 'string') return createdHash.read(raw, name);
    const instant = integer().read(raw, name);
    return { gte: instant, lte: instant };
  },
};

export type CreatedRange = {
  readonly gt?: number | undefined;
  readonly gte?: number | undefined;
  readonly lt?: number | undefined;
  readonly lte?: number | undefined;
};
const createdHash = hash({ gt: integer(), gte: integer(), lt: integer(), lte: integer() });

function readFields<F extends Fields>(fields: F, form: FormHash, prefix: string): FieldValues<F> {
  for (const key of form.keys()) if (!Object.hasOwn(fields, key)) throw unknownParameter(fullName(prefix, key));
  const values = Object.entries(fields).map(([key, param]) => [
    key,
    readField(param, form.get(key), fullName(prefix, key)),
  ]);
  return Object.fromEntries(values) as FieldValues<F>; // the reader of each key has returned its value
}

function readField(param: Param<unknown>, raw: FormValue | undefined, name: string): unknown {
  if (raw !== undefined) return param.read(raw, name);
  if (param.isRequired) throw invalid(`Missing required param: ${name}.`, name, 'parameter_missing');
  return undefined;
}

function unknownParameter(name: string): StripeRefusal {
  return invalid(`Received unknown parameter: ${name.slice(0, 200)}`, name.slice(0, 200), 'parameter_unknown');
}

function scalar(raw: FormValue, name: string): string {
  if (typeof raw !== 'string') throw invalid('Invalid string: expected one value, not an object', name);
  if (raw === '') {
    throw invalid(
      `You passed an empty string for '${name}'. We assume empty values are an attempt to unset a parameter; ` +
        `however '${name}' cannot be unset. You should remove '${name}' from your request or supply a non-empty value.`,
      name,
      'parameter_invalid_empty',
    );
  }
  return raw;
}

function metadataKey(key: string, name: string): string {
  if (key.length > 40) {
    throw invalid(`Metadata keys can have up to 40 characters, but '${key.slice(0, 60)}' has ${key.length}.`, name);
  }
  return key;
}

function plainValue(raw: FormValue): unknown {
  return typeof raw === 'string' ? raw : Object.fromEntries([...raw].map(([key, value]) => [key, plainValue(value)]));
}

function fullName(prefix: string, key: string): string {
  return prefix === '' ? key : `${prefix}[${key}]`;
}
