import { ConvexError } from "convex/values";
import { describe, expect, test } from "vitest";
import { toConvexError, toHttpError } from "../../agent-sdk/src/convex/convex-errors.ts";
import {
  becomesDeadLetter,
  healthVerdict,
  parkedAs,
  ReelsyncError,
  retryAfterMs,
  waitsForService,
} from "../../agent-sdk/src/errors.ts";
import { toS3Error } from "../../agent-sdk/src/s3/s3-errors.ts";
import { ERRORS, type ErrorCode } from "../../contract/error-code.ts";

const signal = new AbortController().signal;

function serviceException(name: string, status: number, headers?: Record<string, string>): Error {
  return Object.assign(new Error("UnknownError"), {
    name,
    $metadata: { httpStatusCode: status, requestId: "R1" },
    $response: { headers },
  });
}

function nodeError(code: string): Error {
  return Object.assign(new Error(`connect ${code}`), { code });
}

test("a thrower that knows better gives its own fix, which ends the message and crosses the wire", () => {
  const error = new ReelsyncError("CONFLICT", "It is resolved", { hint: "Nothing is left to do." });
  expect(error).toMatchObject({
    hint: "Nothing is left to do.",
    message: "It is resolved. Nothing is left to do.",
  });
  expect(parkedAs(error, { id: "u", delivered: true })).toMatchObject({
    hint: error.hint,
    message: error.message,
  });
  const { message, hint } = error;
  const refused = toConvexError(
    new ConvexError({ code: "CONFLICT", message, hint }),
    "deadLetters:retry",
    signal,
  );
  expect(refused).toMatchObject({ code: "CONFLICT", message, hint });
});

describe("S3 errors", () => {
  test.each<[string, number, ErrorCode]>([
    ["NoSuchBucket", 404, "BUCKET_NOT_FOUND"],
    ["InvalidAccessKeyId", 403, "S3_CREDENTIALS_INVALID"],
    ["SignatureDoesNotMatch", 403, "S3_CREDENTIALS_INVALID"],
    ["ExpiredToken", 400, "S3_CREDENTIALS_INVALID"],
    ["RequestTimeTooSkewed", 403, "CLOCK_SKEWED"],
    ["AccessDenied", 403, "S3_ACCESS_DENIED"],
    ["403", 403, "S3_ACCESS_DENIED"],
    ["SlowDown", 503, "S3_UNAVAILABLE"],
    ["InternalError", 500, "S3_UNAVAILABLE"],
    ["SomethingNew", 502, "S3_UNAVAILABLE"],
    ["TooManyRequestsException", 429, "S3_UNAVAILABLE"],
    ["EntityTooLarge", 400, "FILE_TOO_LARGE"],
    ["NotImplemented", 501, "S3_REFUSED"],
    ["InvalidArgument", 400, "S3_REFUSED"],
  ])("%s with status %i is %s", (name, status, code) => {
    const error = toS3Error(serviceException(name, status), "PutObject");
    expect(error).toMatchObject({ code, requestId: "R1", retryable: ERRORS[code].disposition === "retry" });
    expect(error.message).toContain(ERRORS[code].fix);
    expect(error.message).not.toContain("UnknownError");
  });

  test.each(["ECONNREFUSED", "ECONNRESET", "EPIPE", "ETIMEDOUT", "ENOTFOUND", "EAI_AGAIN"])(
    "a connection that ends with %s is the service's failure",
    (code) => {
      expect(toS3Error(nodeError(code), "PutObject").code).toBe("S3_UNAVAILABLE");
    },
  );

  test("the time the store asked for is kept", () => {
    const error = toS3Error(serviceException("SlowDown", 503, { "retry-after": "3" }), "PutObject");
    expect(error.retryAfterMs).toBe(3000);
  });

  test("a clock that is off is named with how far", () => {
    const date = new Date(Date.now() - 16 * 60_000).toUTCString();
    const error = toS3Error(serviceException("RequestTimeTooSkewed", 403, { date }), "PutObject");
    expect(error.message).toMatch(/this machine's clock is 96[01] s ahead of the store's/);
    expect(waitsForService(error)).toBe(true);
  });

  test("what a cancelled request throws is the cancellation", () => {
    const reason = new ReelsyncError("ABORTED", "Cancelled");
    expect(toS3Error(new Error("aborted"), "PutObject", AbortSignal.abort(reason))).toBe(reason);
  });
});

describe("Convex errors", () => {
  test("a refusal keeps its code and its message", () => {
    const refusal = new ConvexError({ code: "QUOTA_EXCEEDED", message: "3 GiB of 3 GiB are used." });
    const error = toConvexError(refusal, "assets:begin", signal);
    expect(error).toMatchObject({ code: "QUOTA_EXCEEDED", retryable: false });
    expect(error.message).toBe(`3 GiB of 3 GiB are used. ${ERRORS.QUOTA_EXCEEDED.fix}`);
  });

  test.each([{ code: "FROM_THE_FUTURE", message: "x" }, "text", null])(
    "a refusal nobody knows (%j) stops",
    (data) => {
      expect(toConvexError(new ConvexError(data), "assets:begin", signal).code).toBe("CONVEX_FAILED");
    },
  );

  test("a fault of the function stops and names the request for the log", () => {
    const error = toConvexError(
      new Error("[Request ID: 0123456789abcdef] Server Error"),
      "assets:begin",
      signal,
    );
    expect(error).toMatchObject({ code: "CONVEX_FAILED", requestId: "0123456789abcdef", retryable: false });
  });

  test("a connection that broke is tried again, wherever in the chain of causes its code is", () => {
    const broken = new Error("failed", { cause: new AggregateError([nodeError("ECONNREFUSED")]) });
    expect(toConvexError(broken, "assets:begin", signal).code).toBe("CONVEX_UNAVAILABLE");
  });

  test.each<[number, string, ErrorCode]>([
    [401, "", "TOKEN_EXPIRED"],
    [401, '{"code":"AGENT_KEY_INVALID","message":"unknown key"}', "AGENT_KEY_INVALID"],
    [403, "", "FORBIDDEN"],
    [404, "<html>", "CONVEX_FAILED"],
    [429, '{"code":"TooManyRequests","message":"x"}', "CONVEX_UNAVAILABLE"],
    [503, "overloaded", "CONVEX_UNAVAILABLE"],
  ])("HTTP %i with body %j is %s", (status, body, code) => {
    const reply = { status, body, header: (name: string) => (name === "retry-after" ? "2" : undefined) };
    expect(toHttpError(reply, "assets:begin")).toMatchObject({ code, retryAfterMs: 2000 });
  });
});

describe("what follows from a code", () => {
  test("only an outage counts against the service's health", () => {
    const verdicts = Object.fromEntries(
      (Object.keys(ERRORS) as ErrorCode[]).map((code) => [code, healthVerdict(new ReelsyncError(code, "x"))]),
    );
    const failed = Object.keys(verdicts).filter((code) => verdicts[code] === "failed");
    expect(failed.sort()).toEqual(["CONVEX_UNAVAILABLE", "S3_UNAVAILABLE"]);
    expect(verdicts["ABORTED"]).toBe("silent");
    expect(verdicts["FORBIDDEN"]).toBe("answered");
    expect(healthVerdict(new Error("a bug"))).toBe("silent");
  });

  test("[G7] bad input and wrong configuration never become dead letters before anything was begun", () => {
    const codes = (Object.keys(ERRORS) as ErrorCode[]).filter((code) => ERRORS[code].disposition === "stop");
    for (const code of codes) expect(becomesDeadLetter(new ReelsyncError(code, "x"), false)).toBe(false);
  });

  test("[G1] an accepted upload is parked unless the upload itself is wrong or was cancelled", () => {
    const parked = (code: ErrorCode) => becomesDeadLetter(new ReelsyncError(code, "x"), true);
    for (const code of [
      "S3_UNAVAILABLE",
      "DEADLINE_EXCEEDED",
      "CIRCUIT_OPEN",
      "S3_ACCESS_DENIED",
      "CONVEX_FAILED",
    ] as const) {
      expect(parked(code)).toBe(true);
    }
    for (const code of [
      "ABORTED",
      "FILE_CHANGED",
      "COMMIT_REFUSED",
      "QUOTA_EXCEEDED",
      "FORBIDDEN",
    ] as const) {
      expect(parked(code)).toBe(false);
    }
  });
});

test("Retry-After is understood in seconds and as a date", () => {
  const now = Date.parse("2026-11-20T10:00:00Z");
  expect(retryAfterMs("120", now)).toBe(120_000);
  expect(retryAfterMs("Fri, 20 Nov 2026 10:00:30 GMT", now)).toBe(30_000);
  expect(retryAfterMs("Fri, 20 Nov 2026 09:00:00 GMT", now)).toBe(0);
  expect(retryAfterMs("soon", now)).toBeUndefined();
  expect(retryAfterMs(null, now)).toBeUndefined();
});
