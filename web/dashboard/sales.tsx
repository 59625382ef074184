import { Suspense, useState } from 'react';
import type { SalesQuery, SalesQueryVariables } from '../../generated/web/operations.ts';
import { operation } from '../shared/operation.ts';
import { useFormat, useTexts } from '../shared/preferences.tsx';
import { defineTexts } from '../shared/text.ts';
import { lazyPage } from './lazy-page.ts';
import { methods } from './list-conditions.ts';
import { navigate, usePlace } from './router.tsx';
import {
  capturedByMethod,
  currenciesOf,
  type Range,
  ranges,
  type SalesRow,
  type Span,
  spanOf,
  successRateOf,
  sumOf,
} from './sales-sums.ts';
import { Empty, Failure, Panel, Skeleton, useNames, useNow } from './ui.tsx';
import { useQuery } from './use-query.ts';

const salesQuery = operation<SalesQuery, SalesQueryVariables>(/* GraphQL */ `
  query Sales($from: DateTime!, $before: DateTime!, $interval: SalesInterval!, $timeZone: String!) {
    salesSummary(from: $from, before: $before, interval: $interval, timeZone: $timeZone) {
      rows {
        start
        method
        currency
        started
        succeeded
        failed
        captured {
          amountMinor
          currency
        }
        refunded {
          amountMinor
          currency
        }
      }
    }
  }
`);

const texts = defineTexts(
  {
    day: '24 hours',
    week: '7 days',
    month: '30 days',
    range: 'Time range',
    currency: 'Currency',
    captured: 'Captured',
    refunded: 'Refunded',
    successRate: 'Success rate',
    payments: 'Payments succeeded',
    ofStarted: { one: 'of {count} started', other: 'of {count} started' },
    ended: { one: '{count} ended', other: '{count} ended' },
    chart: 'Captured by method',
    chartLabel:
      'A bar chart of the captured money in {currency}: {total} in total. The table below has the sums by method.',
    byMethod: 'By method',
    method: 'Method',
    started: 'Started',
    succeeded: 'Succeeded',
    failed: 'Failed',
    none: 'No payment in this time',
    noneHint: 'Payments appear here as they are started.',
  },
  {
    day: '24 小时',
    week: '7 天',
    month: '30 天',
    range: '时间范围',
    currency: '币种',
    captured: '已请款',
    refunded: '已退款',
    successRate: '成功率',
    payments: '成功支付',
    ofStarted: '共发起 {count} 笔',
    ended: '共结束 {count} 笔',
    chart: '各支付方式请款额',
    chartLabel: '{currency} 请款金额柱状图：合计 {total}。下方表格为各支付方式的合计。',
    byMethod: '按支付方式',
    method: '支付方式',
    started: '发起',
    succeeded: '成功',
    failed: '失败',
    none: '此时间段内没有支付',
    noneHint: '发起支付后会显示在这里。',
  },
);

const timeZone = Intl.DateTimeFormat().resolvedOptions().timeZone;
const Chart = lazyPage(async () => (await import('./sales-chart.tsx')).SalesChart);

/** Money by hour and method. It moves with each payment. */
export function Sales() {
  const t = useTexts(texts);
  const { query } = usePlace();
  const range: Range = ranges.find((name) => name === query.get('range')) ?? 'day';
  const span = spanOf(range, useNow(30_000));
  const { from, before, interval } = span;
  const { data, error, reload } = useQuery(
    salesQuery,
    { from: from.toISOString(), before: before.toISOString(), interval, timeZone },
    ({ type }) => /^(PAYMENT|REFUND)_/.test(type),
  );
  const rows = data?.salesSummary?.rows ?? null;
  const currencies = currenciesOf(rows ?? []);
  const currency = currencies.find((code) => code === query.get('currency')) ?? currencies[0];
  const go = (changes: Record<string, string>) => {
    const next = new URLSearchParams(query);
    for (const [name, value] of Object.entries(changes)) next.set(name, value);
    navigate(`/?${next}`, true);
  };
  return (
    <>
      <div className="choices">
        <Segments
          label={t('range')}
          values={ranges}
          chosen={range}
          name={(value) => t(value)}
          onChoose={(value) => go({ range: value })}
        />
        {currencies.length > 1 && currency !== undefined && (
          <Segments
            label={t('currency')}
            values={currencies}
            chosen={currency}
            name={(value) => value}
            onChoose={(value) => go({ currency: value })}
          />
        )}
      </div>
      {rows === null && (
        <section className="panel">
          {error === null ? <Skeleton rows={8} /> : <Failure error={error} onRetry={reload} />}
        </section>
      )}
      {rows !== null && currency === undefined && (
        <section className="panel">
          <Empty title={t('none')}>{t('noneHint')}</Empty>
        </section>
      )}
      {rows !== null && currency !== undefined && (
        <Figures rows={rows.filter((row) => row.currency === currency)} currency={currency} span={span} />
      )}
    </>
  );
}

type FiguresProps = { readonly rows: readonly SalesRow[]; readonly currency: string; readonly span: Span };

function Figures({ rows, currency, span }: FiguresProps) {
  const t = useTexts(texts);
  const format = useFormat();
  const name = useNames();
  const [pointed, setPointed] = useState<number | null>(null);
  const money = (amountMinor: number) => format.money({ amountMinor, currency });
  const rate = (value: number | null) => (value === null ? '–' : format.percent(value));
  const total = sumOf(rows);
  const series = capturedByMethod(rows, span);
  const start = pointed === null ? undefined : span.starts[pointed];
  const isByDay = span.interval === 'DAY';
  const used = methods.filter((method) => rows.some((row) => row.method === method));
  return (
    <>
      <dl className="tiles">
        <div className="tile">
          <dt>{t('captured')}</dt>
          <dd className="number">{money(total.capturedMinor)}</dd>
        </div>
        <div className="tile">
          <dt>{t('payments')}</dt>
          <dd className="number">
            {format.number(total.succeeded)} <small>{t('ofStarted', { count: total.started })}</small>
          </dd>
        </div>
        <div className="tile">
          <dt>{t('successRate')}</dt>
          <dd className="number">
            {rate(successRateOf(total))} <small>{t('ended', { count: total.succeeded + total.failed })}</small>
          </dd>
        </div>
        <div className="tile">
          <dt>{t('refunded')}</dt>
          <dd className="number">{money(total.refundedMinor)}</dd>
        </div>
      </dl>
      <Panel
        title={t('chart')}
        aside={
          <ul className="legend">
            {start !== undefined && <li className="muted">{isByDay ? format.day(start) : format.dateTime(start)}</li>}
            {series
              .filter(({ method }) => used.includes(method))
              .map(({ method, minor }) => (
                <li key={method}>
                  <span className="swatch" data-method={method} aria-hidden="true" />
                  {name('method', method)}
                  {pointed !== null && <span className="number"> {money(minor[pointed] ?? 0)}</span>}
                </li>
              ))}
          </ul>
        }
      >
        <Suspense fallback={<div className="chart" />}>
          <Chart
            starts={span.starts}
            isByDay={isByDay}
            currency={currency}
            methods={series}
            label={t('chartLabel', { currency, total: money(total.capturedMinor) })}
            onPoint={setPointed}
          />
        </Suspense>
      </Panel>
      <Panel title={t('byMethod')} isFlush>
        <table className="table">
          <thead>
            <tr>
              <th scope="col">{t('method')}</th>
              <th scope="col" className="right wide-only">
                {t('started')}
              </th>
              <th scope="col" className="right wide-only">
                {t('succeeded')}
              </th>
              <th scope="col" className="right wide-only">
                {t('failed')}
              </th>
              <th scope="col" className="right">
                {t('successRate')}
              </th>
              <th scope="col" className="right">
                {t('captured')}
              </th>
              <th scope="col" className="right wide-only">
                {t('refunded')}
              </th>
            </tr>
          </thead>
          <tbody>
            {used.map((method) => {
              const sum = sumOf(rows.filter((row) => row.method === method));
              return (
                <tr key={method}>
                  <th scope="row">
                    <span className="swatch" data-method={method} aria-hidden="true" /> {name('method', method)}
                  </th>
                  <td className="right number wide-only">{format.number(sum.started)}</td>
                  <td className="right number wide-only">{format.number(sum.succeeded)}</td>
                  <td className="right number wide-only">{format.number(sum.failed)}</td>
                  <td className="right number">{rate(successRateOf(sum))}</td>
                  <td className="right number">{money(sum.capturedMinor)}</td>
                  <td className="right number wide-only">{money(sum.refundedMinor)}</td>
                </tr>
              );
            })}
          </tbody>
        </table>
      </Panel>
    </>
  );
}

type SegmentsProps<Value extends string> = {
  readonly label: string;
  readonly values: readonly Value[];
  readonly chosen: Value;
  readonly name: (value: Value) => string;
  readonly onChoose: (value: Value) => void;
};

/** A choice of a few, all of them shown. */
function Segments<Value extends string>({ label, values, chosen, name, onChoose }: SegmentsProps<Value>) {
  return (
    <fieldset className="segments">
      <legend className="visually-hidden">{label}</legend>
      {values.map((value) => (
        <button key={value} type="button" aria-pressed={value === chosen} onClick={() => onChoose(value)}>
          {name(value)}
        </button>
      ))}
    </fieldset>
  );
}
