/** What keeps `reelsync reconcile --apply` from changing anything: too much found, and deletes that are frozen. */
import { DeleteObjectCommand, ListObjectsV2Command, PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { describe, expect, onTestFinished, test } from "vitest";
import { BUCKET } from "../../../../demo/stack.ts";
import type { Workshop } from "../support/workshop.ts";

const FOLDER = "t/studio/perm/other-deployment/";

export function describeReconcile(workshop: Workshop) {
  const apply = ["reconcile", "--grace-hours", "0", "--kind", "object_without_record", "--apply", "--yes"];

  /** So many objects without a record that they are most of the bucket; gone again when the test is over. */
  async function strays(count: number) {
    const { endpoint, credentials } = workshop.stack.local.objectStore;
    const client = new S3Client({ endpoint, credentials, region: "us-east-1", forcePathStyle: true });
    const keys = Array.from({ length: count }, (_, index) => `${FOLDER}${index}.mp4`);
    const each = (work: (Key: string) => Promise<unknown>) => Promise.all(keys.map(work));
    await each((Key) => client.send(new PutObjectCommand({ Bucket: BUCKET, Key, Body: "theirs" })));
    onTestFinished(async () => {
      await each((Key) => client.send(new DeleteObjectCommand({ Bucket: BUCKET, Key })));
      client.destroy();
    });
    return {
      async left() {
        const { KeyCount } = await client.send(new ListObjectsV2Command({ Bucket: BUCKET, Prefix: FOLDER }));
        return KeyCount;
      },
    };
  }

  describe("reconcile that stops", () => {
    test("[G5] where most of the bucket is without a record: shows it, exits 6, and no batch was applied", async () => {
      const bucket = await strays(120);
      const json = await workshop.owner([...apply, "--json"]);
      expect(json).toMatchObject({ code: 6, error: { code: "REPAIR_REFUSED", exitCode: 6 } });
      expect(json.error.message).toMatch(
        /^12\d of \d+ objects have no record: .*S3_BASE_PREFIX.*--over-limit/,
      );
      expect(json.records.length).toBeGreaterThan(120);
      expect(json.records.slice(0, -1).every(({ state }) => state === "open")).toBe(true);
      expect(json.records.at(-1)).toMatchObject({ run: { status: "reported" }, frozen: null });
      expect(await bucket.left()).toBe(120);

      const reported = await workshop.owner(["reconcile", "--grace-hours", "0"]);
      expect(reported).toMatchObject({ code: 0 });
      expect(reported.stderr).toMatch(/objects have no record: more than 20 % is seldom drift/);

      const meant = await workshop.owner([...apply, "--over-limit", "--json"]);
      expect(meant).toMatchObject({ code: 0, stderr: "" });
      expect(await bucket.left()).toBe(0);
      const log = await workshop.rows("auditLog");
      const details = log
        .map(({ detail }) => String(detail))
        .filter((detail) => detail.includes("over the limit"));
      expect(details).toHaveLength(2);
    });

    test("[G5] while deletes are frozen: objects stay, exit 6; who, since when and why is said until they are thawed", async () => {
      const bucket = await strays(3);
      onTestFinished(async () => {
        await workshop.owner(["reconcile", "thaw"]);
      });
      const freeze = ["reconcile", "freeze", "--reason", "the bucket is being moved"];
      const frozen = {
        by: "Ada Okafor",
        reason: "the bucket is being moved",
        since: expect.any(Number) as number,
      };
      expect(await workshop.owner([...freeze, "--json"])).toMatchObject({
        code: 0,
        stderr: "",
        records: [{ changed: true, frozen }],
      });
      const again = await workshop.owner(["reconcile", "freeze", "--reason", "another"]);
      expect(again).toMatchObject({ code: 0, stderr: "nothing was changed: that is what holds already\n" });
      expect(again.stdout).toMatch(
        /^Deletes are frozen since \S+Z by Ada Okafor: the bucket is being moved\.\n$/,
      );

      const stopped = await workshop.owner([...apply, "--json"]);
      expect(stopped).toMatchObject({ code: 6, error: { code: "DELETES_FROZEN", exitCode: 6 } });
      expect(stopped.error.message).toContain("the bucket is being moved");
      expect(stopped.records.at(-1)).toMatchObject({ run: { status: "reported" }, frozen });
      expect(await bucket.left()).toBe(3);
      const told = await workshop.owner(["reconcile", "--grace-hours", "0"]);
      expect(told.stderr).toContain("Deletes are frozen since");

      expect(await workshop.owner(["reconcile", "thaw", "--json"])).toMatchObject({
        code: 0,
        records: [{ changed: true, frozen: null }],
      });
      expect(await workshop.owner([...apply, "--json"])).toMatchObject({ code: 0 });
      expect(await bucket.left()).toBe(0);
    });

    test("[G7] freezing needs a reason, and a person with the role", async () => {
      const freeze = ["reconcile", "freeze", "--json"];
      const [unsaid, agent, editor] = await Promise.all([
        workshop.owner(freeze),
        workshop.agent([...freeze, "--reason", "r"]),
        workshop.bare([...freeze, "--reason", "r"], { env: await workshop.personEnv("edgar") }),
      ]);
      expect(unsaid).toMatchObject({ code: 2, error: { code: "USAGE", message: "--reason is missing" } });
      expect(agent).toMatchObject({ code: 4, error: { code: "UNAUTHENTICATED" } });
      expect(editor).toMatchObject({ code: 4, error: { code: "FORBIDDEN" } });
    });
  });
}
