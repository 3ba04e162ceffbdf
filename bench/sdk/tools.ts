/** The tools that copy bytes alone, each at the setting that was measured to be its best on this machine. */
import { execFileSync } from "node:child_process";
import { randomUUID } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { PutObjectCommand } from "@aws-sdk/client-s3";
import { getSignedUrl } from "@aws-sdk/s3-request-presigner";
import { BUCKET } from "../../demo/stack.ts";
import { measureProcess } from "./measure-process.ts";
import type { BenchWire } from "./store.ts";
import type { RunResult } from "./upload-run.ts";

type Run = () => Promise<RunResult>;
const PROGRAMS = ["rclone", "aws", "s3cmd", "curl"] as const;
type Program = (typeof PROGRAMS)[number];

export function installed(): { here: Set<Program>; missing: Program[] } {
  const here = new Set(PROGRAMS.filter(isInstalled));
  return { here, missing: PROGRAMS.filter((program) => !here.has(program)) };
}

function isInstalled(program: Program): boolean {
  try {
    execFileSync(program, [program === "rclone" ? "version" : "--version"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

/** `folder` is the tools' own, for their configuration. */
export function oneFileSides(wire: BenchWire, file: string, folder: string): Partial<Record<string, Run>> {
  const target = () => `${BUCKET}/bench/${randomUUID()}`;
  const { here } = installed();
  return {
    ...(here.has("curl") && {
      "curl, one PUT": async () =>
        measureProcess(["curl", "-sSf", ...trusting("--cacert", wire), "-T", file, await putUrl(wire)], {}),
    }),
    ...(here.has("rclone") && {
      // Faster than any number and size of parts: parts cost it an MD5 each.
      "rclone, one PUT": () =>
        measureProcess(
          ["rclone", "copyto", file, `:s3:${target()}`, "--s3-upload-cutoff", "5G", ...rclone(wire)],
          rcloneEnv(wire, folder),
        ),
    }),
    ...(here.has("aws") && {
      "awscli, 16 MiB × 10": () =>
        measureProcess(awsCopy(wire, file, `s3://${target()}`), awsEnv(wire, folder)),
    }),
    ...(here.has("s3cmd") && {
      "s3cmd, 64 MiB parts": () =>
        measureProcess(["s3cmd", ...s3cmdConfig(wire, folder), "put", file, `s3://${target()}`], {}),
    }),
  };
}

export function manyFilesSides(
  wire: BenchWire,
  source: string,
  folder: string,
): Partial<Record<string, Run>> {
  const target = () => `${BUCKET}/bench/${randomUUID()}/`;
  const { here } = installed();
  return {
    ...(here.has("rclone") && {
      "rclone, 32 at a time": () =>
        measureProcess(
          ["rclone", "copy", source, `:s3:${target()}`, "--transfers", "32", ...rclone(wire)],
          rcloneEnv(wire, folder),
        ),
    }),
    ...(here.has("aws") && {
      "awscli, 10 at a time": () =>
        measureProcess([...awsCopy(wire, source, `s3://${target()}`), "--recursive"], awsEnv(wire, folder)),
    }),
    ...(here.has("s3cmd") && {
      "s3cmd, one by one": () =>
        measureProcess(
          ["s3cmd", ...s3cmdConfig(wire, folder), "put", "--recursive", `${source}/`, `s3://${target()}`],
          {},
        ),
    }),
  };
}

/** Nothing is asked of the store but to take the bytes. */
const RCLONE = ["--s3-no-head", "--no-check-dest", "--no-traverse", "--config", "/dev/null"];

const rclone = (wire: BenchWire) => [...RCLONE, ...trusting("--ca-cert", wire)];

function trusting(option: string, { ca }: BenchWire): string[] {
  return ca === undefined ? [] : [option, ca];
}

function rcloneEnv(wire: BenchWire, home: string): Record<string, string> {
  return {
    HOME: home,
    RCLONE_S3_PROVIDER: "Other",
    RCLONE_S3_ENDPOINT: wire.endpoint,
    RCLONE_S3_ACCESS_KEY_ID: wire.accessKeyId,
    RCLONE_S3_SECRET_ACCESS_KEY: wire.secretAccessKey,
    RCLONE_S3_REGION: "us-east-1",
    RCLONE_S3_FORCE_PATH_STYLE: "true",
    RCLONE_S3_NO_CHECK_BUCKET: "true",
    RCLONE_S3_DISABLE_CHECKSUM: "true",
  };
}

function awsCopy(wire: BenchWire, from: string, to: string): string[] {
  return ["aws", "s3", "cp", from, to, "--only-show-errors", "--endpoint-url", wire.endpoint];
}

function awsEnv(wire: BenchWire, folder: string): Record<string, string> {
  const config = join(folder, "aws-config");
  const s3 = ["multipart_chunksize = 16MB", "max_concurrent_requests = 10", "addressing_style = path"];
  writeFileSync(config, ["[default]", "s3 =", ...s3.map((line) => `  ${line}`), ""].join("\n"));
  return {
    HOME: process.env["HOME"] ?? folder,
    AWS_CONFIG_FILE: config,
    AWS_REGION: "us-east-1",
    AWS_ACCESS_KEY_ID: wire.accessKeyId,
    AWS_SECRET_ACCESS_KEY: wire.secretAccessKey,
    AWS_REQUEST_CHECKSUM_CALCULATION: "when_required",
    ...(wire.ca !== undefined && { AWS_CA_BUNDLE: wire.ca }),
  };
}

function s3cmdConfig(wire: BenchWire, folder: string): string[] {
  const config = join(folder, "s3cfg");
  const { host } = new URL(wire.endpoint);
  const lines = [
    "[default]",
    `access_key = ${wire.accessKeyId}`,
    `secret_key = ${wire.secretAccessKey}`,
    `host_base = ${host}`,
    `host_bucket = ${host}`,
    `use_https = ${wire.ca === undefined ? "False" : "True"}`,
    ...(wire.ca === undefined ? [] : [`ca_certs_file = ${wire.ca}`]),
    "multipart_chunk_size_mb = 64",
  ];
  writeFileSync(config, `${lines.join("\n")}\n`);
  return ["--config", config, "--no-progress", "--quiet"];
}

function putUrl({ client }: BenchWire): Promise<string> {
  return getSignedUrl(client, new PutObjectCommand({ Bucket: BUCKET, Key: `bench/${randomUUID()}` }), {
    expiresIn: 3600,
  });
}
