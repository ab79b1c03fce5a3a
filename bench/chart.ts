/**
 * How are curves drawn? As one SVG of small panels, with axes, grid and legend, and nothing that
 * has to be loaded.
 *
 * It brings its own background, and colours for light and dark, since a page shows it as an image
 * and its text would else vanish in one of the two. Must stay true: every point lies inside of its
 * panel; any text is escaped.
 */
import { type Axis, axisOf } from './axis.ts';

export interface Series {
  readonly name: string;
  readonly points: readonly (readonly [x: number, y: number])[];
}

export interface Panel {
  readonly title: string;
  readonly x: string;
  readonly y: string;
  readonly series: readonly Series[];
  /** Where values span decades. Zero and below are then drawn at the smallest value. */
  readonly logX?: boolean;
  readonly logY?: boolean;
}

const WIDTH = 440;
const HEIGHT = 280;
const LEFT = 58;
const RIGHT = 18;
const TOP = 62;
const BOTTOM = 46;
const HEAD = 40;
const LEGEND_STEP = 14;
const LETTER = 6.2;
const COLOURS_LIGHT = ['#0969da', '#bc4c00', '#1a7f37', '#8250df', '#cf222e', '#57606a'];
const COLOURS_DARK = ['#58a6ff', '#f0883e', '#3fb950', '#bc8cff', '#ff7b72', '#8b949e'];

const STYLE = `
  svg { font: 11px -apple-system, "Segoe UI", Helvetica, Arial, sans-serif; }
  .page { fill: #ffffff; } text { fill: #1f2328; } .soft { fill: #59636e; }
  .title { font-weight: 600; font-size: 13px; } .head { font-weight: 600; font-size: 15px; }
  .grid { stroke: #d1d9e0; stroke-width: 1; } .axis { stroke: #59636e; stroke-width: 1; }
  .line { fill: none; stroke-width: 2; }
${coloursOf(COLOURS_LIGHT)}
  @media (prefers-color-scheme: dark) {
  .page { fill: #0d1117; } text { fill: #e6edf3; } .soft { fill: #9198a1; }
  .grid { stroke: #3d444d; } .axis { stroke: #9198a1; }
${coloursOf(COLOURS_DARK)}
  }
`;

function coloursOf(colours: readonly string[]): string {
  return colours
    .map((colour, at) => `  .c${at} { stroke: ${colour}; } .f${at} { fill: ${colour}; }`)
    .join('\n');
}

/** Panels in rows of `columns`. */
export function chart(title: string, panels: readonly Panel[], columns = 2): string {
  const across = Math.min(columns, Math.max(1, panels.length));
  const width = across * WIDTH;
  const height = HEAD + Math.ceil(panels.length / across) * HEIGHT;
  const drawn = panels.map((panel, at) => {
    const [left, top] = [(at % across) * WIDTH, HEAD + Math.floor(at / across) * HEIGHT];
    return `<g transform="translate(${left} ${top})">\n${drawPanel(panel)}\n</g>`;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" \
width="${width}" height="${height}" role="img" aria-label="${escaped(title)}">
<style>${STYLE}</style>
<rect class="page" width="100%" height="100%" rx="6"/>
<text class="head" x="16" y="26">${escaped(title)}</text>
${drawn.join('\n')}
</svg>
`;
}

function drawPanel(panel: Panel): string {
  const points = panel.series.flatMap((series) => series.points);
  const bottom = HEIGHT - BOTTOM;
  const x = axisOf(
    points.map(([value]) => value),
    panel.logX ?? false,
    LEFT,
    WIDTH - RIGHT,
  );
  const y = axisOf(
    points.map(([, value]) => value),
    panel.logY ?? false,
    bottom,
    TOP,
  );
  return [
    `<text class="title" x="16" y="18">${escaped(panel.title)}</text>`,
    ...legend(panel.series),
    ...x.ticks.map(({ at, label }) => vertical(at, label, bottom)),
    ...y.ticks.map(({ at, label }) => horizontal(at, label)),
    `<path class="axis" fill="none" d="M${LEFT} ${TOP}V${bottom}H${WIDTH - RIGHT}"/>`,
    `<text class="soft" x="${(LEFT + WIDTH - RIGHT) / 2}" y="${HEIGHT - 12}" text-anchor="middle">\
${escaped(panel.x)}</text>`,
    `<text class="soft" transform="translate(14 ${(TOP + bottom) / 2}) rotate(-90)" \
text-anchor="middle">${escaped(panel.y)}</text>`,
    ...panel.series.map((series, at) => curve(series, at % COLOURS_LIGHT.length, x, y)),
  ].join('\n');
}

/** In a row under the title, and in another where it is full. */
function legend(series: readonly Series[]): string[] {
  let [left, line] = [16, 0];
  return series.map(({ name }, at) => {
    const width = 22 + name.length * LETTER;
    if (left + width > WIDTH - RIGHT && left > 16) [left, line] = [16, line + 1];
    const y = 34 + line * LEGEND_STEP;
    const drawn = `<rect class="f${at % COLOURS_LIGHT.length}" x="${left}" y="${y - 8}" width="10" \
height="10" rx="2"/><text x="${left + 14}" y="${y + 1}">${escaped(name)}</text>`;
    left += width;
    return drawn;
  });
}

function vertical(at: number, label: string, bottom: number): string {
  return `<path class="grid" d="M${at} ${TOP}V${bottom}"/>\
<text class="soft" x="${at}" y="${bottom + 15}" text-anchor="middle">${label}</text>`;
}

function horizontal(at: number, label: string): string {
  return `<path class="grid" d="M${LEFT} ${at}H${WIDTH - RIGHT}"/>\
<text class="soft" x="${LEFT - 6}" y="${at + 4}" text-anchor="end">${label}</text>`;
}

function curve({ points }: Series, colour: number, x: Axis, y: Axis): string {
  const places = points
    .filter(([, value]) => Number.isFinite(value))
    .map(([across, up]) => [x.place(across), y.place(up)] as const);
  const path = places.map(([left, top], at) => `${at === 0 ? 'M' : 'L'}${left} ${top}`).join('');
  const dots = places.map(
    ([left, top]) => `<circle class="f${colour}" cx="${left}" cy="${top}" r="3"/>`,
  );
  return `<path class="line c${colour}" d="${path}"/>${dots.join('')}`;
}

function escaped(text: string): string {
  return text.replace(/[&<>"]/g, (letter) => `&#${letter.charCodeAt(0)};`);
}
