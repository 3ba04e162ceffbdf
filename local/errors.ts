/** Why the stack cannot start, with a code for programs and the way out in the message. */
export class LocalStackError extends Error {
  override name = "LocalStackError";
  constructor(
    readonly code: "PORT_BUSY" | "DATA_DIR_IN_USE" | "DATA_DIR_DAMAGED",
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}
