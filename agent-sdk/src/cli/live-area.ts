/**
 * Lines at the end of a terminal that are drawn again and again, and make room while anything else is written. Draws
 * nothing where there is no terminal.
 */
export interface LiveArea {
  readonly visible: boolean;
  /** Replaces the lines; none removes the area. */
  draw: (lines: readonly string[]) => void;
  /** Runs what writes to the same terminal, with the area out of its way. */
  beside: (write: () => void) => void;
}

export interface Terminal {
  readonly isTTY?: boolean;
  readonly columns?: number;
  readonly rows?: number;
  write: (text: string) => unknown;
}

const UP_AND_CLEAR = (lines: number) => `\x1b[${lines}F\x1b[0J`;

export function createLiveArea(terminal: Terminal, term: string | undefined): LiveArea {
  const visible = terminal.isTTY === true && term !== "dumb";
  let shown: readonly string[] = [];

  const erase = () => {
    if (shown.length > 0) terminal.write(UP_AND_CLEAR(shown.length));
  };
  const show = () => {
    if (shown.length > 0) terminal.write(`${shown.join("\n")}\n`);
  };

  return {
    visible,
    draw(lines) {
      if (!visible) return;
      erase();
      // A line that wraps would be two to go up over.
      shown = fitting(lines, known(terminal.rows, 24) - 1).map((line) =>
        cut(line, known(terminal.columns, 80) - 1),
      );
      show();
    },
    beside(write) {
      erase();
      write();
      show();
    },
  };
}

/** A terminal whose size nobody has set says 0. */
function known(size: number | undefined, usual: number): number {
  return size === undefined || size === 0 ? usual : size;
}

/** What has scrolled out of sight cannot be drawn over. */
function fitting(lines: readonly string[], rows: number): readonly string[] {
  if (lines.length <= rows) return lines;
  const kept = Math.max(0, rows - 1);
  return [...lines.slice(0, kept), `… and ${lines.length - kept} more`];
}

/** Cuts what is seen, and leaves the colour codes whole. */
function cut(line: string, width: number): string {
  let seen = 0;
  let kept = "";
  for (const [token] of line.matchAll(/\x1b\[[0-9;]*m|./gu)) {
    const isCode = token.startsWith("\x1b");
    if (!isCode && seen === width) continue;
    if (!isCode) seen += 1;
    kept += token;
  }
  return kept;
}
