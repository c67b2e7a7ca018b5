/** The figure of docs/how-many-labels.md: IoU against the number of labels, by the reports' own charts. */
import sharp from 'sharp';
import { domainAround } from '../../dist/reports/axes.js';
import { dots, figure, lineMark, marker } from '../../dist/reports/plots.js';

/** The reports' colours in daylight; a rasteriser knows no variables. */
const COLOURS = ['#d55e00', '#0072b2'];

/** Draws the figures that bench-labels.mjs keeps, as a WebP. */
export async function labelsPlot({ points, untuned, images }, file) {
  const labels = [...new Set(points.map((point) => point.labels))];
  const of = (count) => points.filter((point) => point.labels === count).map(({ meanIou }) => meanIou);
  const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const most = Math.max(...labels);
  const line = labels.map((count) => ({ x: count, y: mean(of(count)) }));
  const all = [untuned.meanIou, ...points.map(({ meanIou }) => meanIou)];
  const chart = {
    x: { domain: [0, most], label: 'labels', ticks: [0, ...labels] },
    y: { domain: domainAround(all), label: `mean IoU of ${images} images` },
    marks: [
      lineMark({ series: 0, points: [0, most].map((x) => ({ x, y: untuned.meanIou })), marks: false }),
      lineMark({ series: 1, points: line, marks: false }),
      dots(
        1,
        points.map(({ labels: x, meanIou: y }) => ({ x, y })),
      ),
      marker(0, 'dashed: untuned; line: mean of the seeds'),
    ],
  };
  const [svg] = /<svg class="plot"[\s\S]*<\/svg>/.exec(String(figure('Labels', 'IoU against labels', [chart]))) ?? [];
  const style = `<style>svg { font: 12px DejaVu Sans, sans-serif; fill: #1b1f24 } .tick, .marker { stroke: #1b1f24 } .grid { stroke: #1b1f24; stroke-opacity: .1 } .marker { stroke-opacity: 0 }</style>`;
  const drawn = svg
    .replace('<svg ', '<svg xmlns="http://www.w3.org/2000/svg" ')
    .replace('>', `>${style}`)
    .replace(/var\(--series-(\d)\)/g, (_, series) => COLOURS[series]);
  await sharp(Buffer.from(drawn), { density: 144 }).flatten({ background: '#fff' }).webp({ quality: 85 }).toFile(file);
}
