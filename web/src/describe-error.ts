/** Any failure as a code, plain words and the way out. The only place that looks inside errors to show them. */
import { ConvexError } from "convex/values";
import { ERRORS, isErrorCode, type Refusal } from "../../contract/error-code.ts";

export interface DescribedError {
  code: string;
  message: string;
  fix: string;
}

export function describeError(error: unknown): DescribedError {
  if (error instanceof ConvexError && isRefusal(error.data)) {
    const { code, message } = error.data;
    return { code, message, fix: fixBeyond(message, code) };
  }
  return {
    code: "UNEXPECTED",
    message: error instanceof Error ? firstLine(error.message) : String(error),
    fix: "Nothing was changed. Try again; if it stays, the deployment's log says more.",
  };
}

/** Some messages end with the fix already. */
export function fixBeyond(message: string, code: string): string {
  const fix = fixFor(code);
  return message.includes(fix) ? "" : fix;
}

export function fixFor(code: string): string {
  return isErrorCode(code) ? ERRORS[code].fix : "";
}

function isRefusal(data: unknown): data is Refusal {
  return typeof data === "object" && data !== null && "code" in data && isErrorCode(data.code);
}

function firstLine(text: string): string {
  return text.split("\n")[0] ?? text;
}
