/** One request to S3: cancellable, its transport retries counted, its failure coded. */
import type { HttpRequest } from "@smithy/types";
import type { Call } from "../call.ts";
import type { RequestOptions } from "./request-handler.ts";
import { toS3Error } from "./s3-errors.ts";

interface Answer {
  $metadata: { attempts?: number };
}

export async function requestS3<T extends Answer>(
  call: Call,
  action: string,
  request: (options: RequestOptions) => Promise<T>,
  abortSignal = call.signal,
): Promise<T> {
  // The client repeats a request by itself and tells of its last failure only; a call whose time is up hears no error at all.
  const onFailure = (error: unknown) => call.noteFailure(toS3Error(error, action));
  try {
    const answer = await request({ abortSignal, onFailure });
    call.retries += transportRetries(answer);
    return answer;
  } catch (error) {
    call.retries += transportRetries(error as Partial<Answer>);
    throw toS3Error(error, action, abortSignal);
  }
}

function transportRetries(answer: Partial<Answer>): number {
  return (answer.$metadata?.attempts ?? 1) - 1;
}

/** The part of the AWS SDK's middleware types needed to add a header before signing. */
interface Signable {
  middlewareStack: {
    add: (
      middleware: (
        next: (args: { input: never; request: unknown }) => Promise<never>,
      ) => (args: { input: never; request: unknown }) => Promise<never>,
      options: { step: "build"; name: string },
    ) => void;
  };
}

/** Instead of a digest: the body is no part of the signature. */
export const UNSIGNED = "UNSIGNED-PAYLOAD";

/**
 * Signs the request with a digest that is known already. The SDK then neither hashes the body itself nor leaves it
 * unsigned, and the store refuses any other body.
 */
export function withBodyDigest<T>(command: T, sha256: string | undefined): T {
  if (sha256 === undefined) return command;
  (command as Signable).middlewareStack.add(
    (next) => (args) => {
      (args.request as HttpRequest).headers["x-amz-content-sha256"] = sha256;
      return next(args);
    },
    { step: "build", name: "signKnownBodyDigest" },
  );
  return command;
}
