/**
 * PutObject from a template: the client's own signer and connections, without the machinery around a command.
 *
 * What is answered with anything but success goes to the SDK after all, as the answer of its first attempt. So whether
 * and when to repeat, what the error is called and what the store's clock says stay decided in one place.
 */
import { PutObjectCommand, type PutObjectCommandInput, type S3Client } from "@aws-sdk/client-s3";
import type { HttpRequest, HttpResponse } from "@smithy/types";
import type { RequestOptions } from "./request-handler.ts";
import { withBodyDigest } from "./request-s3.ts";
import { templateFor, type Extensible, type RequestTemplate } from "./request-template.ts";

export interface PutAnswer {
  $metadata: { attempts?: number };
  ETag?: string | undefined;
  VersionId?: string | undefined;
}

type Outcome = { response: HttpResponse } | { error: Error };

export async function putObject(
  client: S3Client,
  input: PutObjectCommandInput,
  body: Buffer,
  sha256: string,
  options: RequestOptions,
): Promise<PutAnswer> {
  // What differs from object to object is no part of the template.
  const { Key = "", ContentType, Metadata, ...rest } = input;
  const template = await templateFor(
    client,
    `PutObject ${JSON.stringify(rest)}`,
    (key) => new PutObjectCommand({ ...rest, Key: key }),
  );
  if (template === undefined) return client.send(commandOf(input, body, sha256), options);
  const request = template.make(Key);
  const { headers } = request;
  for (const [name, value] of Object.entries(Metadata ?? {})) {
    headers[`x-amz-meta-${name.toLowerCase()}`] = value;
  }
  if (ContentType !== undefined) headers["content-type"] = ContentType;
  headers["content-length"] = String(body.length);
  headers["x-amz-content-sha256"] = sha256;
  request.body = body;

  const outcome = await send(client, await signed(client, request, template), options);
  if ("error" in outcome || outcome.response.statusCode >= 300) {
    return client.send(answeredFirst(commandOf(input, body, sha256), outcome), options);
  }
  (outcome.response.body as NodeJS.ReadableStream).resume();
  const { etag, "x-amz-version-id": version } = outcome.response.headers;
  return { $metadata: { attempts: 1 }, ETag: etag, VersionId: version };
}

function commandOf(input: PutObjectCommandInput, body: Buffer, sha256: string): PutObjectCommand {
  return withBodyDigest(new PutObjectCommand({ ...input, Body: body }), sha256);
}

async function signed(
  { config }: S3Client,
  request: HttpRequest,
  { signer, signingRegion }: RequestTemplate,
): Promise<HttpRequest> {
  return await signer.sign(request, {
    // What the SDK has learned of the store's clock.
    signingDate: new Date(Date.now() + config.systemClockOffset),
    signingRegion,
    signingService: "s3",
  });
}

async function send({ config }: S3Client, request: HttpRequest, options: RequestOptions): Promise<Outcome> {
  try {
    return await config.requestHandler.handle(request as never, options);
  } catch (error) {
    if (options.abortSignal.aborted) throw error;
    return { error: error as Error };
  }
}

/** Gives the command's first attempt the outcome there is already; the next ones are sent. */
function answeredFirst(command: PutObjectCommand, outcome: Outcome): PutObjectCommand {
  let first = true;
  (command as unknown as Extensible).middlewareStack.add(
    (next) => async (args) => {
      if (!first) return next(args);
      first = false;
      if ("error" in outcome) throw outcome.error;
      return outcome;
    },
    // Next to the connection, within everything that reads answers and repeats requests.
    { step: "deserialize", priority: "low", name: "answerFirstAttempt" },
  );
  return command;
}
