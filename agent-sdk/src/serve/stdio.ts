/**
 * The operations over standard input and output, one JSON document a line:
 *
 *   in    {"id": 1, "method": "upload", "params": {…}, "correlationId"?: "…"}
 *   out   {"id": 1, "progress": {…}}      any number, in between
 *         {"id": 1, "result": …}          or {"id": 1, "error": {"code", "message", "hint", …}}
 *
 * Requests run beside each other; answers come as they are ready. Ends with its input.
 */
import type { Readable } from "node:stream";
import * as z from "zod";
import { correlationIdSchema } from "../../../contract/asset.ts";
import { MIB } from "../../../contract/limits.ts";
import { ReelsyncError } from "../errors.ts";
import { outcomeOf, thinned } from "./answer-lines.ts";
import { OPERATIONS, type Operation } from "./operations.ts";
import { parsed, type Sidecar } from "./sidecar.ts";
import { toldError } from "./told-error.ts";

/** A line nobody ends may not fill the memory. */
const MAX_LINE_LENGTH = 16 * MIB;
/** What is kept of a longer one, to find its id in. */
const HEAD_LENGTH = 1024;

const ID_AT_HEAD = /^(\s*\{\s*"id"\s*:\s*(?:"(?:[^"\\]|\\.)*"|-?\d+))\s*,/;

const lineSchema = z.strictObject({
  id: z.union([z.string(), z.number()]),
  method: z.string(),
  params: z.record(z.string(), z.unknown()).optional(),
  correlationId: correlationIdSchema.optional(),
});
type Line = z.infer<typeof lineSchema>;

export interface LineServer {
  /** Resolves when the input has ended. What is under way then goes on. */
  ended: Promise<void>;
  /** Resolves when everything that was asked is answered. */
  answered: () => Promise<unknown>;
}

export function serveLines(
  sidecar: Sidecar,
  input: Readable,
  write: (record: object) => void,
  signal: AbortSignal,
): LineServer {
  const answers = new Set<Promise<void>>();

  async function perform({ id, method, params = {}, correlationId }: Line): Promise<void> {
    const operation = Object.hasOwn(OPERATIONS, method)
      ? (OPERATIONS as Record<string, Operation>)[method]
      : undefined;
    const onProgress = thinned((progress) => write({ id, progress }));
    const work =
      operation === undefined
        ? Promise.reject(new ReelsyncError("NOT_FOUND", `There is no method "${method}" here`))
        : sidecar.perform(operation, params, { correlationId, onProgress });
    write({ id, ...(await outcomeOf(work)) });
  }

  async function read(): Promise<void> {
    for await (const line of linesOf(input, signal)) {
      const { text, isCut } = line;
      if (text.trim() === "") continue;
      try {
        if (isCut)
          throw new ReelsyncError("INVALID_ARGUMENT", `The line is longer than ${MAX_LINE_LENGTH} bytes`);
        const answer = perform(parsed(lineSchema, fromJson(text))).finally(() => answers.delete(answer));
        answers.add(answer);
      } catch (error) {
        write({ id: idOf(line), error: toldError(error) });
      }
    }
  }

  return { ended: read(), answered: () => Promise.all(answers) };
}

interface InputLine {
  text: string;
  /** The line was too long, and this is its head. */
  isCut: boolean;
}

async function* linesOf(input: Readable, signal: AbortSignal): AsyncGenerator<InputLine> {
  const decoder = new TextDecoder();
  let line: InputLine = { text: "", isCut: false };
  const stop = () => input.destroy();
  signal.addEventListener("abort", stop, { once: true });
  try {
    for await (const chunk of input) {
      const [first = "", ...others] = decoder.decode(chunk as Uint8Array, { stream: true }).split("\n");
      line = continued(line, first);
      for (const text of others) {
        yield line;
        line = continued({ text: "", isCut: false }, text);
      }
    }
    yield line;
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    signal.removeEventListener("abort", stop);
  }
}

function continued(line: InputLine, more: string): InputLine {
  if (line.isCut) return line;
  const text = line.text + more;
  return text.length > MAX_LINE_LENGTH
    ? { text: text.slice(0, HEAD_LENGTH), isCut: true }
    : { text, isCut: false };
}

function fromJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    throw new ReelsyncError("INVALID_ARGUMENT", "The line is not JSON", { cause: error });
  }
}

/** So that a caller can tell which of its lines was wrong, where that can be told: a long one has to begin with its id. */
function idOf({ text, isCut }: InputLine): unknown {
  try {
    const json = isCut ? `${ID_AT_HEAD.exec(text)?.[1] ?? ""}}` : text;
    return (JSON.parse(json) as { id?: unknown }).id ?? null;
  } catch {
    return null;
  }
}
