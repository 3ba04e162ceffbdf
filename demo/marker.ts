/**
 * The marker drawn into every demo frame: a row of square cells in the lower left corner, black or white, so that a test (or a
 * person) can tell from pixels alone which scene, chunk and take is on screen.
 *
 *   cell   0      1 2 3 4         5 6            7 8
 *          white  scene number    chunk index    take
 */
export const MARKER = { cell: 20, left: 20, bottom: 20, cells: 9 } as const;

interface Marked {
  sceneNumber: number;
  chunkIndex: number;
  take: number;
}

function bitsOf(marked: Marked): boolean[] {
  const bits = (value: number, width: number) =>
    Array.from({ length: width }, (_, place) => ((value >> (width - 1 - place)) & 1) === 1);
  return [true, ...bits(marked.sceneNumber, 4), ...bits(marked.chunkIndex, 2), ...bits(marked.take, 2)];
}

export function markerFilter(marked: Marked): string {
  const { cell, left, bottom } = MARKER;
  return bitsOf(marked)
    .map((isWhite, place) => {
      const x = left + place * cell;
      return `drawbox=x=${x}:y=ih-${bottom + cell}:w=${cell}:h=${cell}:color=${isWhite ? "white" : "black"}:t=fill`;
    })
    .join(",");
}

/** `lightness(x, y)` is the brightness (0..255) of the frame at FRAME's own coordinates. Null when no marker is there. */
export function readMarker(lightness: (cell: number) => number): Marked | null {
  const bits = Array.from({ length: MARKER.cells }, (_, cell) => (lightness(cell) > 128 ? 1 : 0));
  if (bits[0] !== 1) return null;
  const value = (from: number, to: number) =>
    bits.slice(from, to).reduce<number>((sum, bit) => sum * 2 + bit, 0);
  return { sceneNumber: value(1, 5), chunkIndex: value(5, 7), take: value(7, 9) };
}
