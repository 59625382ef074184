type Rgb = readonly [number, number, number];

/** The colours that a page derives from its merchant's colour. Each is `#rrggbb`. */
export type Brand = {
  /** The fill of the main button. */
  readonly fill: string;
  /** Text on the fill: black or white, whichever is read better. One of them always reaches 4.5 : 1. */
  readonly onFill: string;
  /** The border of the main button, which tells it from the page where the fill is close to the page's own colour. */
  readonly edge: string;
  /** Text, links and focus rings on the page: the merchant's colour, darker or lighter as far as needed for 4.5 : 1. */
  readonly accent: string;
};

/** Minimal contrasts of WCAG 2.2 AA: of text, and of parts of controls. */
const textContrastMin = 4.5;
const partContrastMin = 3;
const stepsMax = 20;

/**
 * Makes any colour usable on a page with this background, in light and dark.
 *
 * @param color `#rrggbb`; anything else counts as `fallback`.
 */
export function brandOf(color: string | null, fallback: string, ground: string): Brand {
  const fill = parse(color) ?? parse(fallback) ?? black;
  const on = parse(ground) ?? white;
  return {
    fill: text(fill),
    onFill: text(best(fill)),
    edge: text(shifted(fill, on, partContrastMin)),
    accent: text(shifted(fill, on, textContrastMin)),
  };
}

/** The ratio of the luminances, 1 to 21. */
export function contrast(one: string, other: string): number {
  return ratio(parse(one) ?? black, parse(other) ?? black);
}

const black: Rgb = [0, 0, 0];
const white: Rgb = [255, 255, 255];

function best(fill: Rgb): Rgb {
  return ratio(white, fill) >= ratio(black, fill) ? white : black;
}

/** The colour nearest to the given one that has the contrast: mixed with black on a light ground, with white on a dark one. */
function shifted(color: Rgb, ground: Rgb, contrastMin: number): Rgb {
  const towards = best(ground);
  for (let step = 0; step < stepsMax; step += 1) {
    const mixed = mix(color, towards, step / stepsMax);
    if (ratio(mixed, ground) >= contrastMin) return mixed;
  }
  return towards;
}

function mix(from: Rgb, to: Rgb, share: number): Rgb {
  const part = (at: 0 | 1 | 2) => Math.round(from[at] + (to[at] - from[at]) * share);
  return [part(0), part(1), part(2)];
}

function ratio(one: Rgb, other: Rgb): number {
  const [dark = 0, light = 0] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return (light + 0.05) / (dark + 0.05);
}

function luminance(color: Rgb): number {
  const [red = 0, green = 0, blue = 0] = color.map((channel) => {
    const value = channel / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

function parse(color: string | null): Rgb | null {
  if (color === null || !/^#[0-9a-f]{6}$/i.test(color)) return null;
  const channel = (at: number) => Number.parseInt(color.slice(at, at + 2), 16);
  return [channel(1), channel(3), channel(5)];
}

function text(color: Rgb): string {
  return `#${color.map((channel) => channel.toString(16).padStart(2, '0')).join('')}`;
}
