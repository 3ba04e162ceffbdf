/** What nobody foresaw, as the command line and the sidecar tell it. The SDK itself throws coded errors only. */
interface Unexpected {
  code: "UNEXPECTED";
  message: string;
  hint: string;
  retryable: false;
}

const HINT =
  "Run reelsync doctor; if it finds nothing, report this message together with what was asked for.";

export function asUnexpected(error: unknown): Unexpected {
  const message = error instanceof Error ? error.message : String(error);
  return { code: "UNEXPECTED", message, hint: HINT, retryable: false };
}
