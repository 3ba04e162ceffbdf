import { randomBytes } from "node:crypto";
import * as z from "zod";
import { readState, writeState } from "./paths.ts";

const credentialsSchema = z.object({
  adminKey: z.string(),
  s3: z.object({ accessKeyId: z.string(), secretAccessKey: z.string() }),
});
export type Credentials = z.infer<typeof credentialsSchema>;

/** Made at the first start and kept, so that configured clients go on working. */
export async function loadCredentials(file: string): Promise<Credentials> {
  const known = await readState(file, credentialsSchema);
  if (known) return known;
  const credentials: Credentials = {
    adminKey: `local|${randomBytes(24).toString("hex")}`,
    // Tools check the lengths that AWS uses: 20 and 40 characters.
    s3: {
      accessKeyId: `LOCAL${randomBytes(8).toString("hex").toUpperCase().slice(1)}`,
      secretAccessKey: randomBytes(30).toString("base64url"),
    },
  };
  await writeState(file, credentials);
  return credentials;
}
