/** Rows as aligned columns. The last column is never padded, so that a long key or title does not stretch the lines. */
import { stripVTControlCharacters } from "node:util";

export function columns(rows: readonly (readonly string[])[]): string[] {
  const widths: number[] = [];
  for (const row of rows) {
    row.forEach((cell, index) => (widths[index] = Math.max(widths[index] ?? 0, width(cell))));
  }
  return rows.map((row) =>
    row
      .map((cell, index) =>
        index === row.length - 1 ? cell : cell + " ".repeat((widths[index] ?? 0) - width(cell)),
      )
      .join("  ")
      .trimEnd(),
  );
}

/** Characters as counted by people; wide ones count once, which only shifts what follows them. */
function width(text: string): number {
  return Array.from(stripVTControlCharacters(text)).length;
}

/** Titles and file names come from elsewhere: a control character in one could redraw the terminal. */
export function plain(text: string): string {
  return text.replace(/[\u0000-\u001f\u007f-\u009f]/g, "�");
}
