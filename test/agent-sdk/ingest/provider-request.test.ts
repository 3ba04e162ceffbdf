import type { LookupFunction } from "node:net";
import { describe, expect, test } from "vitest";
import { createProviderRequest } from "../../../agent-sdk/src/ingest/provider-request.ts";
import { redirectsTo, serves, startProvider } from "./provider.ts";

const never = new AbortController().signal;
const bytes = Buffer.from("bytes");

/** A name server of the test's own. */
function resolvesTo(...addresses: string[]): LookupFunction & { asked: string[] } {
  const asked: string[] = [];
  const lookup: LookupFunction = (hostname, options, answer) => {
    asked.push(hostname);
    const all = addresses.map((address) => ({ address, family: address.includes(":") ? 6 : 4 }));
    if (options.all) answer(null, all);
    else answer(null, all[0]?.address ?? "", all[0]?.family);
  };
  return Object.assign(lookup, { asked });
}

describe("an address that is not public is refused before a connection is opened", () => {
  test.each([
    ["loopback", "http://127.0.0.1:PORT/x"],
    ["loopback by name", "http://localhost:PORT/x"],
    ["loopback as one number", "http://2130706433:PORT/x"],
    ["loopback in hex", "http://0x7f.1:PORT/x"],
    ["loopback, IPv6", "http://[::1]:PORT/x"],
    ["loopback, IPv4 in IPv6", "http://[::ffff:127.0.0.1]:PORT/x"],
    ["loopback, through NAT64", "http://[64:ff9b::7f00:1]:PORT/x"],
    ["any address", "http://0.0.0.0:PORT/x"],
    ["private, 10/8", "http://10.0.0.1:PORT/x"],
    ["private, 172.16/12", "http://172.16.0.1:PORT/x"],
    ["private, 192.168/16", "http://192.168.0.1:PORT/x"],
    ["shared, 100.64/10", "http://100.64.0.1:PORT/x"],
    ["link-local, where clouds serve their metadata", "http://169.254.169.254:PORT/latest/meta-data/"],
    ["link-local, IPv6", "http://[fe80::1]:PORT/x"],
    ["unique local, IPv6 metadata", "http://[fd00:ec2::254]:PORT/x"],
    ["multicast", "http://224.0.0.1:PORT/x"],
  ])("%s", async (_what, url) => {
    const provider = await startProvider({ "/x": serves(bytes) });
    const request = createProviderRequest({ allowHosts: [] });
    await expect(request(url.replace("PORT", String(provider.port)), {}, never)).rejects.toMatchObject({
      code: "URL_FORBIDDEN",
    });
    expect(provider.asked).toEqual([]);
  });

  test("a public name that resolves to one, or also to one", async () => {
    const provider = await startProvider({ "/x": serves(bytes) });
    for (const addresses of [["127.0.0.1"], ["192.0.2.1", "127.0.0.1"], ["93.184.216.34", "10.0.0.1"]]) {
      const lookup = resolvesTo(...addresses);
      const request = createProviderRequest({ allowHosts: [], lookup });
      const url = `http://videos.example:${provider.port}/x`;
      await expect(request(url, {}, never)).rejects.toMatchObject({ code: "URL_FORBIDDEN" });
      // Asked once, by the socket itself: there is no earlier answer that a later one could differ from.
      expect(lookup.asked).toEqual(["videos.example"]);
    }
    expect(provider.asked).toEqual([]);
  });

  test("a redirect to one, also from a host that is allowed", async () => {
    const provider = await startProvider();
    provider.paths = {
      "/start": redirectsTo("/relative"),
      "/relative": redirectsTo(`http://inner.example:${provider.port}/secret`, 307),
      "/secret": serves(bytes),
    };
    const lookup = resolvesTo("127.0.0.1");
    const request = createProviderRequest({ allowHosts: ["outer.example"], lookup });
    const url = `http://outer.example:${provider.port}/start`;
    await expect(request(url, {}, never)).rejects.toMatchObject({ code: "URL_FORBIDDEN" });
    expect(provider.asked).toEqual(["GET /start", "GET /relative"]);
  });

  test.each(["file:///etc/passwd", "ftp://127.0.0.1/x", "data:text/plain,hi", "gopher://127.0.0.1/"])(
    "%s is no http(s) URL",
    async (url) => {
      const request = createProviderRequest({ allowHosts: ["127.0.0.1"] });
      await expect(request(url, {}, never)).rejects.toMatchObject({ code: "URL_FORBIDDEN" });
    },
  );

  test("a redirect to another scheme", async () => {
    const provider = await startProvider({ "/x": redirectsTo("file:///etc/passwd") });
    const request = createProviderRequest({ allowHosts: [provider.host] });
    await expect(request(`${provider.origin}/x`, {}, never)).rejects.toMatchObject({ code: "URL_FORBIDDEN" });
  });
});

describe("redirects", () => {
  test("are followed five times, and no sixth time", async () => {
    const provider = await startProvider({ "/0": serves(bytes) });
    for (let left = 1; left <= 6; left++) provider.paths[`/${left}`] = redirectsTo(`/${left - 1}`);
    const request = createProviderRequest({ allowHosts: [provider.host] });
    const answer = await request(`${provider.origin}/5`, {}, never);
    expect(answer.statusCode).toBe(200);
    answer.destroy();
    const tooMany = request(`${provider.origin}/6`, {}, never);
    await expect(tooMany).rejects.toMatchObject({ code: "URL_REFUSED", retryable: false });
  });

  test("an allowed host is one host, and with a port one port of it", async () => {
    const provider = await startProvider({ "/x": serves(bytes) });
    const request = createProviderRequest({ allowHosts: ["127.0.0.1:1", "LOCALHOST"] });
    await expect(request(`${provider.origin}/x`, {}, never)).rejects.toMatchObject({ code: "URL_FORBIDDEN" });
    const answer = await request(`http://localhost:${provider.port}/x`, {}, never);
    expect(answer.statusCode).toBe(200);
    answer.destroy();
  });
});

describe("what a provider answers", () => {
  test.each([
    [404, "URL_REFUSED"],
    [403, "URL_REFUSED"],
    [410, "URL_REFUSED"],
    [304, "URL_REFUSED"],
    [429, "URL_UNREACHABLE"],
    [500, "URL_UNREACHABLE"],
    [503, "URL_UNREACHABLE"],
  ])("HTTP %i is %s", async (status, code) => {
    const provider = await startProvider({
      "/x": (_asked, answer) => answer.writeHead(status, { "Retry-After": "7" }).end(),
    });
    const request = createProviderRequest({ allowHosts: [provider.host] });
    await expect(request(`${provider.origin}/x`, {}, never)).rejects.toMatchObject({
      code,
      retryAfterMs: 7_000,
    });
  });

  test("silence ends, as does nobody listening", async () => {
    const provider = await startProvider({ "/x": () => undefined });
    const request = createProviderRequest({ allowHosts: ["127.0.0.1"], idleMs: 50 });
    for (const url of [`${provider.origin}/x`, "http://127.0.0.1:1/x"]) {
      await expect(request(url, {}, never)).rejects.toMatchObject({
        code: "URL_UNREACHABLE",
        retryable: true,
      });
    }
  });

  test("[G7] no message holds what a URL may keep secret", async () => {
    const provider = await startProvider();
    const request = createProviderRequest({ allowHosts: [provider.host] });
    const url = `http://user:hunter2@${provider.host}/clip.mp4?signature=s3cr3t#t0ken`;
    const error = await request(url, {}, never).catch((caught: unknown) => caught as Error);
    expect((error as Error).message).toContain(`http://${provider.host}/clip.mp4`);
    expect((error as Error).message).not.toMatch(/hunter2|s3cr3t|t0ken/);
  });
});
