import { formatDecimal, type Money } from '../domain/money.ts';
import { builder } from './builder.ts';

export const MoneyType = builder.objectRef<Money>('Money').implement({
  description: 'An amount of money, never without its currency.',
  fields: (t) => ({
    amountMinor: t.expose('amountMinor', { type: 'MinorUnits', description: 'Whole minor units: 1234 for 12.34 EUR.' }),
    currency: t.expose('currency', { type: 'CurrencyCode', description: 'ISO 4217.' }),
    decimal: t.string({
      description:
        'The amount as decimal text with the currency’s own number of decimals: `12.34` EUR, `1234` JPY, `1.234` KWD.',
      resolve: formatDecimal,
    }),
  }),
});
