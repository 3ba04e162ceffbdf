import { createHash } from "node:crypto";
import * as z from "zod";
import { expect, test } from "vitest";
import {
  assetIntentSchema,
  assetSchema,
  storedObjectSchema,
  unhashedIntentSchema,
} from "../../contract/asset.ts";
import { deadLetterSchema } from "../../contract/dead-letter.ts";
import { sceneUpsertSchema } from "../../contract/scene.ts";
import { sessionCreateSchema } from "../../contract/session.ts";

test("what crosses the boundary changes only on purpose", () => {
  const shapes = [
    assetIntentSchema,
    unhashedIntentSchema,
    storedObjectSchema,
    assetSchema,
    sceneUpsertSchema,
    sessionCreateSchema,
    deadLetterSchema,
  ];
  const hash = createHash("sha256")
    .update(JSON.stringify(shapes.map((shape) => z.toJSONSchema(shape))))
    .digest("hex")
    .slice(0, 12);
  expect(
    hash,
    "the contract changed: agents already in use send the old shape, so keep it accepted (new fields optional), note it in CHANGELOG.md, and put the new hash here",
  ).toBe("acd749473740");
});
