/**
 * The currencies whose number of decimals in ISO 4217 is not 2. `Intl` cannot be asked: it has the decimals that are in use, such as none for
 * HUF, IDR and COP, and they differ between browsers. The API counts by ISO 4217.
 */
const others: ReadonlyMap<string, number> = new Map(
  [
    'BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF'.split(' ').map((code) => [code, 0] as const),
    'BHD IQD JOD KWD LYD OMR TND'.split(' ').map((code) => [code, 3] as const),
    'CLF UYW'.split(' ').map((code) => [code, 4] as const),
  ].flat(),
);

/** The number of decimals of a currency according to ISO 4217: minor units are counted in them. */
export function digitsOf(currency: string): number {
  return others.get(currency) ?? 2;
}
