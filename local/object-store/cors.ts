/** Cross-origin rules of a bucket: their XML form, and which response headers they give a request. */
import { S3Error } from "./errors.ts";
import { element, xmlDocument, type XmlElement } from "./xml.ts";

export interface CorsRule {
  id?: string | undefined;
  allowedOrigins: string[];
  allowedMethods: string[];
  allowedHeaders: string[];
  exposeHeaders: string[];
  maxAgeSeconds?: number | undefined;
}

const METHODS = ["GET", "PUT", "POST", "DELETE", "HEAD"];
const MAX_RULES = 100;

/** What applies to a bucket without a configuration, so that pages of a development server work at once. */
export const defaultCorsRules = (allowedOrigins: readonly string[]): CorsRule[] => [
  {
    allowedOrigins: [...allowedOrigins],
    allowedMethods: METHODS,
    allowedHeaders: ["*"],
    // The wildcard covers metadata headers; the names are for requests with credentials, to which it does not apply.
    exposeHeaders: ["*", "ETag", "Content-Length", "Content-Range", "Accept-Ranges", "x-amz-request-id"],
    maxAgeSeconds: 3600,
  },
];

export function parseCorsConfiguration(root: XmlElement): CorsRule[] {
  const rules = root.all("CORSRule").map((rule): CorsRule => {
    const texts = (name: string): string[] => rule.all(name).map((child) => child.text().trim());
    const maxAge = rule.childText("MaxAgeSeconds");
    return {
      id: rule.childText("ID"),
      allowedOrigins: texts("AllowedOrigin"),
      allowedMethods: texts("AllowedMethod"),
      allowedHeaders: texts("AllowedHeader"),
      exposeHeaders: texts("ExposeHeader"),
      maxAgeSeconds: maxAge === undefined ? undefined : Number.parseInt(maxAge, 10),
    };
  });
  if (rules.length === 0 || rules.length > MAX_RULES) throw new S3Error("MalformedXML");
  rules.forEach(checkRule);
  return rules;
}

function checkRule(rule: CorsRule): void {
  if (rule.allowedOrigins.length === 0 || rule.allowedMethods.length === 0) throw new S3Error("MalformedXML");
  if (rule.maxAgeSeconds !== undefined && !(rule.maxAgeSeconds >= 0)) throw new S3Error("MalformedXML");
  const badMethod = rule.allowedMethods.find((method) => !METHODS.includes(method));
  if (badMethod !== undefined) {
    throw new S3Error("InvalidRequest", {
      message: `Found unsupported HTTP method in CORS config. Unsupported method is ${badMethod}`,
    });
  }
  const badPattern = [...rule.allowedOrigins, ...rule.allowedHeaders].find(
    (text) => text.split("*").length > 2,
  );
  if (badPattern !== undefined) {
    throw new S3Error("InvalidRequest", { message: `"${badPattern}" can not have more than one wildcard.` });
  }
}

export function corsConfigurationXml(rules: readonly CorsRule[]): string {
  const content = rules.map((rule) => {
    const list = (name: string, values: readonly string[]): string =>
      values.map((value) => element(name, value)).join("");
    const fields =
      element("ID", rule.id) +
      list("AllowedOrigin", rule.allowedOrigins) +
      list("AllowedMethod", rule.allowedMethods) +
      list("AllowedHeader", rule.allowedHeaders) +
      list("ExposeHeader", rule.exposeHeaders) +
      element("MaxAgeSeconds", rule.maxAgeSeconds);
    return `<CORSRule>${fields}</CORSRule>`;
  });
  return xmlDocument("CORSConfiguration", content.join(""));
}

function fits(pattern: string, text: string): boolean {
  const star = pattern.indexOf("*");
  if (star === -1) return pattern === text;
  const before = pattern.slice(0, star);
  const after = pattern.slice(star + 1);
  return text.length >= before.length + after.length && text.startsWith(before) && text.endsWith(after);
}

function findRule(rules: readonly CorsRule[], origin: string, method: string, headers: readonly string[]) {
  return rules.find(
    (rule) =>
      rule.allowedOrigins.some((pattern) => fits(pattern, origin)) &&
      rule.allowedMethods.includes(method) &&
      headers.every((name) => rule.allowedHeaders.some((pattern) => fits(pattern.toLowerCase(), name))),
  );
}

function grant(rule: CorsRule, origin: string): Record<string, string> {
  const anyOrigin = rule.allowedOrigins.includes("*");
  const granted: Record<string, string> = {
    "access-control-allow-origin": anyOrigin ? "*" : origin,
    "access-control-allow-methods": rule.allowedMethods.join(", "),
  };
  if (!anyOrigin) granted["access-control-allow-credentials"] = "true";
  if (rule.exposeHeaders.length > 0) granted["access-control-expose-headers"] = rule.exposeHeaders.join(", ");
  if (rule.maxAgeSeconds !== undefined) granted["access-control-max-age"] = String(rule.maxAgeSeconds);
  return granted;
}

/**
 * On every response, with an Origin or without, so that a cache never answers a cross-origin request with a copy that
 * was stored for another.
 */
export const VARY = { vary: "Origin, Access-Control-Request-Headers, Access-Control-Request-Method" };

/** Headers of an ordinary response; none when there is no rule for its origin. */
export function corsHeaders(
  rules: readonly CorsRule[],
  origin: string | undefined,
  method: string,
): Record<string, string> {
  const rule = origin === undefined ? undefined : findRule(rules, origin, method, []);
  return rule === undefined ? VARY : { ...VARY, ...grant(rule, origin!) };
}

/** Headers of the answer to a preflight; throws when the request it announces is not allowed. */
export function preflightHeaders(
  rules: readonly CorsRule[],
  headers: ReadonlyMap<string, string>,
): Record<string, string> {
  const origin = headers.get("origin");
  const method = headers.get("access-control-request-method");
  if (origin === undefined || method === undefined) {
    throw new S3Error("BadRequest", {
      message: "Insufficient information. Origin and Access-Control-Request-Method headers are needed.",
    });
  }
  const requested = (headers.get("access-control-request-headers") ?? "")
    .split(",")
    .map((name) => name.trim().toLowerCase())
    .filter((name) => name !== "");
  const rule = findRule(rules, origin, method, requested);
  if (rule === undefined) {
    throw new S3Error("AccessForbidden", {
      message:
        "CORSResponse: This CORS request is not allowed. No rule of the bucket fits its origin, method and headers.",
      fields: { Method: method, ResourceType: "BUCKET" },
    });
  }
  const granted = { ...VARY, ...grant(rule, origin) };
  return requested.length === 0
    ? granted
    : { ...granted, "access-control-allow-headers": requested.join(", ") };
}
