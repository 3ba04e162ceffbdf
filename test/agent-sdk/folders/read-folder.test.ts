import { symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { readFolder } from "../../../agent-sdk/src/folders/read-folder.ts";
import { renderFolder } from "./render-folder.ts";

const names = async (root: string, patterns?: string[]) =>
  (await readFolder(root, patterns)).files.map(({ relative }) => relative);

test("files come in the order people read names in, folders in place", async () => {
  const root = await renderFolder(["b/part-10.mp4", "b/part-2.mp4", "a.mp4", "c with space/ü 😀.mp4"]);
  expect(await names(root)).toEqual(["a.mp4", "b/part-2.mp4", "b/part-10.mp4", "c with space/ü 😀.mp4"]);
});

test("hidden and half-written files, Manim's partial movies and what is ignored are not there", async () => {
  const root = await renderFolder([
    "intro.mp4",
    "intro.mp4.part",
    "intro.tmp.mp4",
    ".DS_Store",
    ".git/config",
    "partial_movie_files/Intro/0001.mp4",
    "media/partial_movie_files/Intro/0001.mp4",
    "logs/run.log",
    "logs/keep.log",
    "drafts/a.mp4",
  ]);
  await writeFile(join(root, ".reelsyncignore"), "# made by hand\n*.log\n!keep.log\n");
  expect(await names(root, ["drafts/"])).toEqual(["intro.mp4", "logs/keep.log"]);
});

test("[G7] links are followed but never round in a circle; what cannot be uploaded is named with its reason", async () => {
  const root = await renderFolder({ "a/one.mp4": "1", "a/empty.mp4": "" });
  const elsewhere = await renderFolder({ "two.mp4": "2" });
  await symlink(root, join(root, "a", "up"));
  await symlink(join(root, "a", "self"), join(root, "a", "self"));
  await symlink(join(root, "gone"), join(root, "a", "dangling.mp4"));
  await symlink(elsewhere, join(root, "linked"));
  const { files, skipped } = await readFolder(root);
  expect(files.map(({ relative, size }) => [relative, size])).toEqual([
    ["a/one.mp4", 1],
    ["linked/two.mp4", 1],
  ]);
  expect(skipped).toEqual([
    { relative: "a/dangling.mp4", reason: "broken link" },
    { relative: "a/empty.mp4", reason: "empty" },
    { relative: "a/self", reason: "link loop" },
    { relative: "a/up", reason: "link loop" },
  ]);
});

test("[G7] a folder that is not there, and a file in its place, are coded errors", async () => {
  const root = await renderFolder(["file.mp4"]);
  await expect(readFolder(join(root, "absent"))).rejects.toMatchObject({ code: "FILE_NOT_FOUND" });
  await expect(readFolder(join(root, "file.mp4"))).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
});
