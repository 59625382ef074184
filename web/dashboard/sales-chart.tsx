import { useEffect, useRef, useSyncExternalStore } from 'react';
import UPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import { digitsOf } from '../shared/currency-digits.ts';
import { useFormat, usePreferences } from '../shared/preferences.tsx';
import type { Method } from './sales-sums.ts';

export type SalesChartProps = {
  readonly starts: readonly Date[];
  readonly isByDay: boolean;
  readonly currency: string;
  readonly methods: readonly { readonly method: Method; readonly minor: readonly number[] }[];
  readonly label: string;
  /** The interval under the pointer; null when it has left. */
  readonly onPoint: (index: number | null) => void;
};

const height = 240;

/** Captured money as one bar for each interval, with a part for each method. It is redrawn in place when the numbers change. */
export function SalesChart({ starts, isByDay, currency, methods, label, onPoint }: SalesChartProps) {
  const place = useRef<HTMLDivElement>(null);
  const chart = useRef<UPlot>(null);
  const point = useRef(onPoint);
  point.current = onPoint;
  const format = useFormat();
  const { theme } = usePreferences();
  const isDark = useIsDark();

  const times = starts.map((start) => start.getTime() / 1000);
  const scale = 10 ** digitsOf(currency);
  // Parts are drawn from the highest sum to the lowest, each over the one before.
  const sums = methods.map((_, index) =>
    times.map((_time, at) => methods.slice(0, index + 1).reduce((sum, { minor }) => sum + (minor[at] ?? 0), 0) / scale),
  );
  const data = useRef<UPlot.AlignedData>([[]]);
  data.current = [times, ...sums.toReversed()];
  const key = JSON.stringify(data.current);
  const names = methods.map(({ method }) => method).join();

  // biome-ignore lint/correctness/useExhaustiveDependencies: the colours of the theme are read from the page
  useEffect(() => {
    const element = place.current;
    if (element === null) return;
    const colour = (name: string) => colourOf(element, name);
    const money = new Intl.NumberFormat(format.locale, {
      style: 'currency',
      currency,
      notation: 'compact',
      maximumFractionDigits: 1,
    });
    const hours = new Intl.DateTimeFormat(
      format.locale,
      isByDay ? { day: 'numeric', month: 'short' } : { timeStyle: 'short' },
    );
    const axis = {
      stroke: colour('--muted'),
      font: `12px ${getComputedStyle(element).fontFamily}`,
      ticks: { show: false },
    };
    const bars = UPlot.paths.bars?.({ size: [0.72, 48], radius: 0.08 });
    const made = new UPlot(
      {
        width: element.clientWidth,
        height,
        padding: [10, 16, 0, 0],
        legend: { show: false },
        cursor: { y: false, points: { show: false }, drag: { x: false, y: false } },
        scales: {
          x: {
            time: true,
            range: ({ data: [shown] }, min, max) => [min - lengthOf(shown) / 2, max + lengthOf(shown) / 2],
          },
          y: { range: (_chart, _min, max) => [0, max > 0 ? max * 1.1 : 1] },
        },
        axes: [
          {
            ...axis,
            size: 28,
            grid: { show: false },
            values: (_chart, splits) => splits.map((at) => hours.format(at * 1000)),
            space: 70,
          },
          {
            ...axis,
            grid: { stroke: colour('--line'), width: 1 },
            values: (_chart, splits) => splits.map((value) => money.format(value)),
            size: 72,
          },
        ],
        series: [
          {},
          ...names
            .split(',')
            .toReversed()
            .map((method) => ({
              fill: colour(`--${method.toLowerCase().replace('_', '-')}`),
              width: 0,
              points: { show: false },
              ...(bars !== undefined && { paths: bars }),
            })),
        ],
        hooks: { setCursor: [({ cursor }) => point.current(cursor.idx ?? null)] },
      },
      data.current,
      element,
    );
    chart.current = made;
    const resizing = new ResizeObserver(() => made.setSize({ width: element.clientWidth, height }));
    resizing.observe(element);
    return () => {
      resizing.disconnect();
      made.destroy();
      chart.current = null;
    };
  }, [currency, format, isByDay, names, theme, isDark]);

  // biome-ignore lint/correctness/useExhaustiveDependencies(key): the data stands for it
  useEffect(() => chart.current?.setData(data.current), [key]);
  return <div ref={place} className="chart" role="img" aria-label={label} />;
}

/** The length of an interval, so that the first and the last bar are whole. */
function lengthOf(times: ArrayLike<number>): number {
  const { 0: first = 0, 1: second = first + 3600 } = times;
  return second - first;
}

/** A canvas knows no variables of style sheets: an element of the page tells the colour. */
function colourOf(element: HTMLElement, name: string): string {
  const probe = element.appendChild(document.createElement('span'));
  probe.style.color = `var(${name})`;
  const { color } = getComputedStyle(probe);
  probe.remove();
  return color;
}

const darkness = matchMedia('(prefers-color-scheme: dark)');

function useIsDark(): boolean {
  return useSyncExternalStore(
    (notify) => {
      darkness.addEventListener('change', notify);
      return () => darkness.removeEventListener('change', notify);
    },
    () => darkness.matches,
  );
}
