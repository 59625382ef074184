import { formatDecimal, type Money } from '../domain/money.ts';
import { builder } from './builder.ts';

export const MoneyType = builder.objectRef<Money>('Money').implement({
  description: 'An amount of money with its currency.',
  fields: (t) => ({
    amountMinor: t.expose('amountMinor', {
      type: 'MinorUnits',
      description: 'The amount in minor units: 1234 is 12.34 EUR.',
    }),
    currency: t.expose('currency', { type: 'CurrencyCode', description: 'The ISO 4217 code.' }),
    decimal: t.string({
      description:
        'The amount as decimal text, with the number of decimals of the currency: `12.34` EUR, `1234` JPY, `1.234` KWD.',
      resolve: formatDecimal,
    }),
  }),
});
