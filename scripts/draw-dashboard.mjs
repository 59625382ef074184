// Writes docs/images/grafana.png: the panels of deploy/grafana/dashboard.json with the numbers that a Prometheus has of the last minutes, drawn by
// uPlot in Chromium, because Grafana is not on npm. node scripts/draw-dashboard.mjs http://127.0.0.1:9090 10
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';

const [prometheus, minutes = '10'] = process.argv.slice(2);
if (prometheus === undefined) {
  console.error('Usage: node scripts/draw-dashboard.mjs <address of Prometheus> [minutes]');
  process.exit(1);
}
const at = (path) => fileURLToPath(new URL(`../${path}`, import.meta.url));
const { panels } = JSON.parse(readFileSync(at('deploy/grafana/dashboard.json'), 'utf8'));
const end = Math.floor(Date.now() / 1000);
const start = end - Number(minutes) * 60;
const step = 5;
/** What Grafana puts in: four times the interval of the scrapes. */
const rateInterval = '20s';

async function query(expr) {
  const parameters = new URLSearchParams({
    query: expr.replaceAll('$__rate_interval', rateInterval),
    start,
    end,
    step,
  });
  const response = await fetch(new URL(`/api/v1/query_range?${parameters}`, prometheus));
  const { status, data, error } = await response.json();
  if (status !== 'success') throw new Error(`${expr}: ${error}`);
  return data.result;
}

const times = Array.from({ length: (end - start) / step + 1 }, (_, index) => start + index * step);
const named = (legend, labels) => legend.replace(/\{\{(\w+)\}\}/g, (_, name) => labels[name] ?? '');

async function chartOf({ title, gridPos, targets, fieldConfig }) {
  const series = [];
  for (const { expr, legendFormat } of targets) {
    for (const { metric, values } of await query(expr)) {
      const found = new Map(values.map(([time, value]) => [time, Number(value)]));
      const line = times.map((time) => (Number.isFinite(found.get(time)) ? found.get(time) : null));
      if (line.some((value) => value !== null)) series.push({ label: named(legendFormat, metric), line });
    }
  }
  return { title, gridPos, unit: fieldConfig.defaults.unit, series };
}

const charts = [];
for (const panel of panels) charts.push(await chartOf(panel));

/** Runs in the page. */
function draw({ times, charts }) {
  const colours = ['#3b82f6', '#16a34a', '#d97706', '#dc2626', '#7c3aed', '#0891b2', '#be185d', '#4d7c0f'];
  const scaled = (value, units) => {
    const [size, unit] = units.find(([size]) => value >= size) ?? units.at(-1);
    return `${Number((value / size).toPrecision(3))}${unit}`;
  };
  const formats = {
    s: (value) =>
      scaled(value, [
        [60, ' min'],
        [1, ' s'],
        [1e-3, ' ms'],
        [1e-6, ' µs'],
      ]),
    bytes: (value) =>
      scaled(value, [
        [2 ** 30, ' GiB'],
        [2 ** 20, ' MiB'],
        [1, ' B'],
      ]),
    reqps: (value) => `${Number(value.toPrecision(3))}/s`,
    percentunit: (value) => `${Math.round(value * 100)} %`,
    short: (value) => String(Number(value.toPrecision(3))),
  };
  const clock = (seconds) => new Date(seconds * 1000).toISOString().slice(11, 16);
  for (const { title, gridPos, unit, series } of charts) {
    const panel = document.createElement('section');
    Object.assign(panel.style, { gridColumn: `${gridPos.x + 1} / span ${gridPos.w}`, gridRow: `${gridPos.y / 7 + 1}` });
    panel.innerHTML = '<h2></h2>';
    panel.firstChild.textContent = title;
    document.body.append(panel);
    const format = (value) => (value === 0 ? '0' : formats[unit](value));
    const paint = series.map((_, index) => colours[index % colours.length]);
    new uPlot(
      {
        ...{ width: 456, height: 170, legend: { show: false }, cursor: { show: false } },
        scales: { y: { range: (_, _min, max) => [0, max > 0 ? max * 1.1 : 1] } },
        axes: [
          { size: 28, values: (_, splits) => splits.map(clock) },
          { size: 76, values: (_, splits) => splits.map(format) },
        ],
        series: [
          {},
          ...series.map(({ label }, index) => ({ label, stroke: paint[index], width: 1.5, points: { show: false } })),
        ],
      },
      [times, ...series.map(({ line }) => line)],
      panel,
    );
    const legend = document.createElement('ul');
    const shown = series.map(({ label, line }, index) => ({
      label,
      colour: paint[index],
      most: Math.max(...line.filter((value) => value !== null)),
    }));
    for (const { label, colour, most } of shown.slice(0, 8)) {
      const item = document.createElement('li');
      item.style.setProperty('--colour', colour);
      item.textContent = `${label}, most ${format(most)}`;
      legend.append(item);
    }
    if (shown.length > 8)
      legend.append(Object.assign(document.createElement('li'), { textContent: `and ${shown.length - 8} more` }));
    if (shown.length === 0) legend.append(Object.assign(document.createElement('li'), { textContent: 'none' }));
    panel.append(legend);
  }
}

const styles = `
  body { margin: 12px; display: grid; grid-template-columns: repeat(24, 1fr); gap: 8px; background: #f3f4f6; font: 12px sans-serif; color: #111827 }
  section { background: #fff; border: 1px solid #e5e7eb; padding: 8px; min-width: 0 }
  h2 { font-size: 13px; margin: 0 0 4px }
  ul { list-style: none; margin: 4px 0 0; padding: 0; display: flex; flex-wrap: wrap; gap: 2px 12px; font-size: 11px }
  li::before { content: ''; display: inline-block; width: 10px; height: 3px; margin: 0 4px 3px 0; background: var(--colour, transparent) }`;
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: ['--no-sandbox'],
});
try {
  const page = await browser.newPage({ viewport: { width: 1480, height: 800 } });
  await page.setContent(`<style>${readFileSync(at('node_modules/uplot/dist/uPlot.min.css'), 'utf8')}${styles}</style>`);
  await page.addScriptTag({ path: at('node_modules/uplot/dist/uPlot.iife.min.js') });
  await page.evaluate(draw, { times, charts });
  await page.screenshot({ path: at('docs/images/grafana.png'), fullPage: true });
} finally {
  await browser.close();
}
