const zeroDecimal: ReadonlySet<string> = new Set(
  'bif clp djf gnf jpy kmf krw mga pyg rwf vnd vuv xaf xof xpf'.split(' '),
);
const threeDecimal: ReadonlySet<string> = new Set('bhd jod kwd omr tnd'.split(' '));
const twoDecimal: ReadonlySet<string> = new Set(
  (
    'aed afn all amd ang aoa ars aud awg azn bam bbd bdt bgn bmd bnd bob brl bsd bwp byn bzd cad cdf chf cny cop crc ' +
    'cve czk dkk dop dzd egp etb eur fjd fkp gbp gel gip gmd gtq gyd hkd hnl htg huf idr ils inr isk jmd kes kgs khr ' +
    'kyd kzt lak lbp lkr lrd lsl mad mdl mkd mmk mnt mop mur mvr mwk mxn myr mzn nad ngn nio nok npr nzd pab pen pgk ' +
    'php pkr pln qar ron rsd rub sar sbd scr sek sgd shp sle sos srd std szl thb tjs top try ttd twd tzs uah ugx usd ' +
    'uyu uzs wst xcd xcg yer zar zmw'
  ).split(' '),
);

/** `currency` is an ISO 4217 code in lower case, as Stripe writes it. */
export function isKnownCurrency(currency: string): boolean {
  return zeroDecimal.has(currency) || threeDecimal.has(currency) || twoDecimal.has(currency);
}

/** The number of decimals of an amount in minor units, as Stripe counts them: 2 for isk and ugx. */
export function decimalsOf(currency: string): 0 | 2 | 3 {
  if (zeroDecimal.has(currency)) return 0;
  return threeDecimal.has(currency) ? 3 : 2;
}
