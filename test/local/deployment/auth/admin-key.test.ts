import { describe, expect, test } from "vitest";
import { adminCaller, assertAdminKey } from "../../../../local/deployment/auth/admin-key.ts";

const KEY = "local|0123";

function actingAs(identity: object | string): string {
  const text = typeof identity === "string" ? identity : JSON.stringify(identity);
  return `${KEY}:${Buffer.from(text).toString("base64")}`;
}

test.each([KEY, `dev:${KEY}`, `prod:${KEY}`])("%s is the key local|0123", (credential) => {
  expect(adminCaller(credential, KEY)).toEqual({ kind: "admin" });
});

test.each(["", "local|", "local|01234", "other|0123", "0123"])("%j is not the key", (credential) => {
  expect(() => adminCaller(credential, KEY)).toThrow(
    expect.objectContaining({ status: 401, code: "BadAdminKey" }) as Error,
  );
});

describe("acting as someone", () => {
  test("the given attributes are the identity", () => {
    const identity = { tokenIdentifier: "i|s", issuer: "i", subject: "s", name: "Ünï" };
    expect(adminCaller(actingAs(identity), KEY)).toEqual({ kind: "admin", actingAs: identity });
  });

  test("missing standard attributes are filled in", () => {
    expect(adminCaller(actingAs({ name: "Ada" }), `dev:${KEY}`)).toMatchObject({
      actingAs: { name: "Ada", tokenIdentifier: "https://acting-as.local|user" },
    });
  });

  test.each(["{", "[]", '"x"', '{"subject":1}'])("%s is no identity", (text) => {
    expect(() => adminCaller(actingAs(text), KEY)).toThrow(
      expect.objectContaining({ status: 400, code: "InvalidActingAsIdentity" }) as Error,
    );
  });
});

test("a key that could be mistaken for one with an identity is refused at the start", () => {
  expect(() => assertAdminKey("local|a:b")).toThrow("':'");
  expect(() => assertAdminKey("")).toThrow("empty");
  expect(() => assertAdminKey("dev:local|ab")).not.toThrow();
});
