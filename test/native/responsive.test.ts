/**
 * What a reader fears most: a server that stalls while its model works. A child keeps both lanes of the addon busy
 * (steps, slices of the encoder, preprocessing of a photograph, masks at its size) and watches its event loop and its
 * file reads. The machine may be shared, so that one quiet attempt of several is enough for what depends on the clock.
 */
import { beforeAll, expect, it } from 'vitest';
import { prepareAddon, runChild } from './support.js';

beforeAll(prepareAddon);

interface Report {
  steps: number;
  slices: number;
  predictions: number;
  stepsBeforeReads: number;
  longestDelayMs: number;
  reads: number;
  medianReadMs: number;
}

const ATTEMPTS = 8;
const LONGEST_DELAY_MS = 20;
const MEDIAN_READ_MS = 100;

it('Node stays responsive: event-loop delay under 20 ms, file reads do not wait for native work', async () => {
  const reports: Report[] = [];
  const isQuiet = ({ longestDelayMs, medianReadMs }: Report) =>
    longestDelayMs < LONGEST_DELAY_MS && medianReadMs < MEDIAN_READ_MS;
  while (reports.length < ATTEMPTS && !reports.some(isQuiet)) {
    const end = await runChild('responsive.mjs', ['2500']);
    expect(end).toMatchObject({ status: 0, signal: null, hung: false, stderr: '' });
    const report = JSON.parse(end.stdout) as Report;
    // There was work of every kind, or the rest says nothing.
    expect(Math.min(report.steps, report.slices, report.predictions, report.reads)).toBeGreaterThan(0);
    // Twenty reads asked for after eight steps and eight preprocessings: were all these in Node's pool, whose four threads
    // serve files too, the reads would come after the steps.
    expect(report.stepsBeforeReads).toBeLessThan(4);
    reports.push(report);
  }
  expect(reports.find(isQuiet), JSON.stringify(reports)).toBeDefined();
});
