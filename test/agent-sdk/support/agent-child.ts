/**
 * An agent in a process of its own, to be killed: uploads the files it is told of, each to its scene, and prints a line
 * when a call is answered. `parallel` files are under way at once.
 */
import { readFileSync } from "node:fs";
import { createReelsync, isReelsyncError, type ReelsyncOptions } from "reelsync";

export interface ChildJob {
  options: ReelsyncOptions;
  parallel: number;
  /** Of each upload; 2 s unless set. */
  timeoutMs?: number;
  files: { file: string; sceneId: string; chunkIndex: number; asBuffer: boolean }[];
}

const job = JSON.parse(process.argv[2] ?? "") as ChildJob;
const say = (line: unknown) => process.stdout.write(`${JSON.stringify(line)}\n`);

const reelsync = createReelsync(job.options);
reelsync.on((event) => {
  if (event.type === "upload.begun" || event.type === "upload.stored") say({ event: event.type });
});
say({ event: "started" });
const files = job.files.values();
await Promise.all(
  Array.from({ length: job.parallel }, async () => {
    for (const { file, sceneId, chunkIndex, asBuffer } of files) {
      try {
        const { state, uploadId, sha256 } = await reelsync.uploadWithConvexSync({
          file: asBuffer ? readFileSync(file) : file,
          entity: { type: "scene", id: sceneId },
          assetType: "video_chunk",
          chunkIndex,
          timeoutMs: job.timeoutMs ?? 2_000,
        });
        say({ acknowledged: { state, uploadId, sha256, sceneId, chunkIndex } });
      } catch (error) {
        say({ failed: isReelsyncError(error) ? error.code : String(error) });
      }
    }
  }),
);
say({ event: "done" });
await reelsync.close();
