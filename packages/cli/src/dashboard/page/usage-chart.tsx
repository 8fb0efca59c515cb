import { useEffect, useRef } from 'preact/hooks';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import type { UsageStep } from '../dashboard-state.js';

type Props = { readonly steps: readonly UsageStep[]; readonly summary: string };

const HEIGHT = 160;
const DAY_S = 86_400;

function dayName(seconds: number): string {
  return new Date(seconds * 1_000).toLocaleDateString(undefined, { weekday: 'short', day: 'numeric' });
}

function dataOf(steps: readonly UsageStep[]): uPlot.AlignedData {
  return [
    steps.map(({ atMs }) => atMs / 1_000),
    steps.map(({ refreshes, failures }) => refreshes + failures),
    steps.map(({ failures }) => failures),
  ];
}

function optionsIn(place: HTMLElement): uPlot.Options {
  const style = getComputedStyle(place);
  const colour = (name: string): string => style.getPropertyValue(name).trim();
  const bars = uPlot.paths.bars?.({ size: [0.8, 24, 3] });
  const axis = {
    stroke: colour('--quiet'),
    grid: { stroke: colour('--line'), width: 1 },
    ticks: { show: false },
    font: '12px system-ui, sans-serif',
  };
  return {
    width: place.clientWidth,
    height: HEIGHT,
    legend: { show: false },
    cursor: { show: false },
    scales: { y: { range: (_, __, most) => [0, Math.max(4, most)] } },
    axes: [
      { ...axis, incrs: [DAY_S, 2 * DAY_S, 3 * DAY_S], space: 60, values: (_, days) => days.map(dayName) },
      { ...axis, size: 36, incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000] },
    ],
    series: [
      {},
      {
        fill: colour('--good'),
        width: 0,
        points: { show: false },
        ...(bars !== undefined && { paths: bars }),
      },
      {
        fill: colour('--bad'),
        width: 0,
        points: { show: false },
        ...(bars !== undefined && { paths: bars }),
      },
    ],
  };
}

/** Bars, one a step: what came, and below it what failed. */
export function UsageChart({ steps, summary }: Props) {
  const place = useRef<HTMLDivElement>(null);
  const chart = useRef<uPlot | null>(null);
  useEffect(() => {
    const element = place.current;
    if (element === null) return undefined;
    const draw = (): void => {
      const data = chart.current?.data ?? dataOf(steps);
      chart.current?.destroy();
      chart.current = new uPlot(optionsIn(element), data, element);
    };
    draw();
    const resized = new ResizeObserver(() =>
      chart.current?.setSize({ width: element.clientWidth, height: HEIGHT }),
    );
    resized.observe(element);
    const dark = matchMedia('(prefers-color-scheme: dark)');
    dark.addEventListener('change', draw);
    return () => {
      resized.disconnect();
      dark.removeEventListener('change', draw);
      chart.current?.destroy();
    };
  }, []);
  useEffect(() => {
    chart.current?.setData(dataOf(steps));
  }, [steps]);
  return (
    <figure>
      <div ref={place} class="chart" role="img" aria-label={summary} />
      <figcaption class="quiet small">
        <span class="dot good" /> obtained <span class="dot bad" /> failed, in steps of 3 hours
      </figcaption>
    </figure>
  );
}
