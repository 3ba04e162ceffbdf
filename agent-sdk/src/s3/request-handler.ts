/** The connections under the AWS client: tells of every attempt that failed, which the client itself keeps for the last one. */
import type { HttpHandlerOptions } from "@smithy/types";
import { SlicedBodies } from "./sliced-bodies.ts";

export interface RequestOptions extends HttpHandlerOptions {
  abortSignal: AbortSignal;
  /** Of one attempt, unless the signal ended it. */
  onFailure: (error: unknown) => void;
}

export class RequestHandler extends SlicedBodies {
  override async handle(...[request, options]: Parameters<SlicedBodies["handle"]>) {
    const { abortSignal, onFailure } = (options ?? {}) as Partial<RequestOptions>;
    try {
      const answer = await super.handle(request, options);
      const { statusCode } = answer.response;
      if (statusCode >= 500) onFailure?.(new ServerError(statusCode));
      return answer;
    } catch (error) {
      if (abortSignal?.aborted !== true) onFailure?.(error);
      throw error;
    }
  }
}

/** In the form of an exception of the AWS client, as far as it is read. */
class ServerError extends Error {
  override readonly name = "ServerError";
  readonly $metadata: { httpStatusCode: number };

  constructor(httpStatusCode: number) {
    super("");
    this.$metadata = { httpStatusCode };
  }
}
