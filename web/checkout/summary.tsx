import { useFormat, useTexts } from '../shared/preferences.tsx';
import { clockText } from './clock.ts';
import { Mark } from './icons.tsx';
import type { CheckoutOrder } from './order.ts';
import { texts } from './texts.ts';

/** From here on the time left is shown as urgent. */
const urgentSeconds = 120;

/** What is bought, from whom, and what it costs. */
export function Summary({
  order,
  secondsLeft,
}: {
  readonly order: CheckoutOrder;
  readonly secondsLeft: number | null;
}) {
  const t = useTexts(texts);
  const { money, number } = useFormat();
  const { merchant, lines, total } = order;
  return (
    <section className="summary" aria-label={t('summary')}>
      <div className="summary-inner">
        <div className="merchant">
          <span className="merchant-mark" aria-hidden="true">
            {firstSign(merchant.name)}
          </span>
          <h1>{t('title', { merchant: merchant.name })}</h1>
        </div>
        <p className="amount number">{money(total)}</p>
        {secondsLeft !== null && secondsLeft > 0 && <TimeLeft seconds={secondsLeft} />}
        <ul className="lines">
          {lines.map((line, index) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: lines never change their order, and two may be alike
            <li key={index} className="line">
              <span className="line-name">
                {line.name}
                {line.quantity > 1 && (
                  <span className="line-more">
                    {t('quantity', { quantity: number(line.quantity) })} · {t('each', { price: money(line.unitPrice) })}
                  </span>
                )}
              </span>
              <span className="number">{money(line.total)}</span>
            </li>
          ))}
          <li className="line line-total">
            <span>{t('total')}</span>
            <span className="number">{money(total)}</span>
          </li>
        </ul>
        <p className="order-number muted">{t('orderNumber', { number: order.number })}</p>
      </div>
    </section>
  );
}

function TimeLeft({ seconds }: { readonly seconds: number }) {
  const t = useTexts(texts);
  const { locale } = useFormat();
  const days = new Intl.NumberFormat(locale, { style: 'unit', unit: 'day', unitDisplay: 'long' });
  const time = clockText(seconds, (count) => days.format(count));
  return (
    <p className="time-left number" data-urgent={seconds <= urgentSeconds}>
      <Mark kind="clock" />
      <span role="timer">{t('timeLeft', { time })}</span>
    </p>
  );
}

/** The first sign of the name, whatever script it is written in. */
function firstSign(name: string): string {
  const [first] = new Intl.Segmenter().segment(name.trim());
  return (first?.segment ?? '·').toLocaleUpperCase();
}
