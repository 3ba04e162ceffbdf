/**
 * Progress of uploads as bars at the end of a terminal: one a file under way, and one for all of them when there are
 * several. Redrawn at most ten times a second, whatever the bytes do.
 */
import type { Progress } from "../progress.ts";
import { columns, plain } from "./columns.ts";
import type { LiveArea } from "./live-area.ts";
import type { Paint } from "./output.ts";
import { clock, size, speed } from "./quantities.ts";

export interface ProgressBars {
  /** For one file; `total` 0 while its length is not known. */
  track: (name: string, total: number) => FileProgress;
  close: () => void;
}

export interface FileProgress {
  report: (progress: Progress) => void;
  /** Takes the bar away; a file that failed counts as over for the total. */
  end: () => void;
}

const REDRAW_MS = 100;
const BAR_WIDTH = 24;
const NAME_WIDTH = 28;

interface Tracked {
  name: string;
  total: number;
  sent: number;
  progress: Progress | undefined;
  over: boolean;
}

export function createProgressBars(
  area: LiveArea,
  paint: Paint,
  now: () => number = performance.now.bind(performance),
): ProgressBars {
  const files: Tracked[] = [];
  let drawnAt = Number.NEGATIVE_INFINITY;
  let sendingSince: number | undefined;

  function draw(force: boolean): void {
    if (!area.visible || (!force && now() - drawnAt < REDRAW_MS)) return;
    drawnAt = now();
    const active = files.filter(({ over, progress }) => !over && progress !== undefined);
    const rows = active.map((file) => fileRow(file, paint));
    if (files.length > 1 && active.length > 0) rows.push(totalRow());
    area.draw(columns(rows));
  }

  function totalRow(): string[] {
    const total = files.reduce((sum, file) => sum + file.total, 0);
    const sent = files.reduce((sum, file) => sum + file.sent, 0);
    const seconds = sendingSince === undefined ? 0 : (now() - sendingSince) / 1000;
    const rate = seconds > 0 ? sent / seconds : 0;
    const over = files.filter((file) => file.over).length;
    return [
      paint("bold", `${over} of ${files.length} files`),
      bar(share(sent, total), paint),
      percent(share(sent, total)),
      `${size(sent)} of ${size(total)}`,
      rate > 0 ? speed(rate) : "",
      rate > 0 ? `${clock(((total - sent) / rate) * 1000)} left` : "",
    ];
  }

  return {
    track(name, total) {
      const file: Tracked = {
        name: shortened(plain(name)),
        total,
        sent: 0,
        progress: undefined,
        over: false,
      };
      files.push(file);
      return {
        report(progress) {
          const entersPhase = file.progress?.phase !== progress.phase;
          file.progress = progress;
          if (progress.total > 0) file.total = progress.total;
          if (progress.phase !== "hashing") {
            sendingSince ??= now();
            file.sent = progress.loaded;
          }
          draw(entersPhase);
        },
        end() {
          file.over = true;
          file.sent = file.total;
          draw(true);
        },
      };
    },
    close: () => area.draw([]),
  };
}

/** What people are told a phase is. */
const PHASE_NAMES: Record<Progress["phase"], string> = {
  downloading: "downloading",
  hashing: "hashing",
  uploading: "uploading",
  verifying: "verifying",
  syncing: "recording",
  done: "done",
};

function fileRow({ name, progress }: Tracked, paint: Paint): string[] {
  if (progress === undefined) return [name];
  const { phase, loaded, total, bytesPerSecond, etaMs, attempt } = progress;
  const ratio = share(loaded, total);
  const again = attempt > 1 ? paint("yellow", ` (attempt ${attempt})`) : "";
  return [
    name,
    bar(ratio, paint),
    percent(ratio),
    total > 0 ? `${size(loaded)} of ${size(total)}` : size(loaded),
    bytesPerSecond > 0 ? speed(bytesPerSecond) : "",
    etaMs === undefined ? "" : `${clock(etaMs)} left`,
    `${paint("cyan", PHASE_NAMES[phase])}${again}`,
  ];
}

function share(part: number, whole: number): number {
  return whole > 0 ? Math.min(1, Math.max(0, part / whole)) : 0;
}

function percent(ratio: number): string {
  return `${Math.floor(ratio * 100)} %`.padStart(5);
}

function bar(ratio: number, paint: Paint): string {
  const filled = Math.round(ratio * BAR_WIDTH);
  return paint("green", "█".repeat(filled)) + paint("dim", "░".repeat(BAR_WIDTH - filled));
}

/** Keeps the end, where names of chunks differ. */
function shortened(name: string): string {
  const characters = Array.from(name);
  return characters.length <= NAME_WIDTH ? name : `…${characters.slice(1 - NAME_WIDTH).join("")}`;
}
