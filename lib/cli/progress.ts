/** Progress on stderr: live bars on a terminal, plain lines elsewhere. None of it goes to stdout. */
import { styleText } from 'node:util';
import cliProgress from 'cli-progress';
import { asFlags } from './flags.js';

/** One bar (or, without a terminal, a line every few seconds). */
export interface ProgressTask {
  /** Moves the bar. `note` stands behind the counts, e.g. the loss; `total` may change. */
  update(done: number, note?: string, total?: number): void;
  /** Removes the bar. */
  end(): void;
}

export interface Reporter {
  /** Whether there is a terminal to draw bars on. */
  readonly live: boolean;
  /** Writes a line for the user. */
  say(line: string): void;
  warn(line: string): void;
  /** Begins a bar with a label. With `plain: false` nothing is written where there is no terminal. */
  task(label: string, total: number, options?: { plain?: boolean }): ProgressTask;
  /** Removes all bars. */
  stop(): void;
}

/** Time between two plain lines of one task, milliseconds. */
const PLAIN_INTERVAL = 5000;

export function createReporter(stream: NodeJS.WriteStream): Reporter {
  const live = stream.isTTY === true && process.env.TERM !== 'dumb' && process.env.CI === undefined;
  const reporter = live ? liveReporter(stream) : plainReporter(stream);
  const { say, warn } = reporter;
  return { ...reporter, say: (line) => say(asFlags(line)), warn: (line) => warn(asFlags(line)) };
}

/** Puts `warning:` before a line, in yellow where the stream shows colours (NO_COLOR and FORCE_COLOR are respected). */
function warning(line: string, stream: NodeJS.WriteStream): string {
  const coloured = stream.isTTY === true && stream.hasColors() && process.env.NO_COLOR === undefined;
  return `${coloured ? styleText('yellow', 'warning:') : 'warning:'} ${line}`;
}

function plainReporter(stream: NodeJS.WriteStream): Reporter {
  const say = (line: string) => void stream.write(`${line}\n`);
  return {
    live: false,
    say,
    warn: (line) => say(warning(line, stream)),
    task(label, total, { plain = true } = {}) {
      let last = Date.now();
      return {
        update(done, note = '', newTotal = total) {
          if (!plain || Date.now() - last < PLAIN_INTERVAL) return;
          last = Date.now();
          say(`${label} ${done}/${newTotal}${note === '' ? '' : `  ${note}`}`);
        },
        end() {},
      };
    },
    stop() {},
  };
}

function liveReporter(stream: NodeJS.WriteStream): Reporter {
  let bars: cliProgress.MultiBar | undefined;
  let open = 0;
  const stop = () => {
    bars?.update(); // writes the lines that were logged since it was drawn last
    bars?.stop();
    bars = undefined;
    open = 0;
  };
  // A multi bar redraws its bars under the lines it logs; without bars a line is just written.
  const say = (line: string) => void (bars === undefined ? stream.write(`${line}\n`) : bars.log(`${line}\n`));
  return {
    live: true,
    say,
    warn: (line) => say(warning(line, stream)),
    task(label, total) {
      bars ??= new cliProgress.MultiBar(
        {
          stream,
          format: '{label} {bar} {value}/{total}  {note}',
          barsize: 24,
          hideCursor: true,
          clearOnComplete: true,
          gracefulExit: false, // Ctrl-C is ours: it saves first
          autopadding: true,
          fps: 8,
        },
        cliProgress.Presets.shades_classic,
      );
      const bar = bars.create(total, 0, { label: label.padEnd(8), note: '' });
      open++;
      return {
        update(done, note = '', newTotal = total) {
          if (newTotal !== bar.getTotal()) bar.setTotal(newTotal);
          bar.update(done, { note });
        },
        end() {
          bars?.remove(bar);
          if (--open <= 0) stop();
        },
      };
    },
    stop,
  };
}

/** Writes a time: `95` seconds as `1:35`, `4000` as `1:06:40`. */
export function formatDuration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const padded = (n: number) => String(n).padStart(2, '0');
  return hours > 0 ? `${hours}:${padded(minutes)}:${padded(rest)}` : `${minutes}:${padded(rest)}`;
}
