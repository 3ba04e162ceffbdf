"""A render agent in Python: a scene for each clip, its video and its caption uploaded as soon as they are there.

    python3 render_agent.py clips/*.mp4 --title "My reel"             # starts a sidecar of its own
    python3 render_agent.py clips/*.mp4 --title "My reel" --connect   # uses the one that runs (`reelsync serve`)

Prints a JSON document for each asset. Ends with 0 when every clip is stored or safely queued.
"""

import argparse
import json
import os
import shlex
import sys
import uuid

from reelsync_client import Reelsync, ReelsyncError


def main():
    options = read_options()
    try:
        with open_client(options) as reelsync:
            return render(reelsync, options)
    except ReelsyncError as error:
        print(f"{error.code}: {error}", file=sys.stderr)
        return 1


def read_options():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("clips", nargs="+", help="what the renderer has written, in order")
    parser.add_argument("--title", default="Rendered with Python")
    parser.add_argument("--project", default="demo")
    parser.add_argument("--session-key", default=str(uuid.uuid4()), help="the same key goes on with the same session")
    parser.add_argument("--connect", action="store_true", help="use the sidecar that runs already")
    parser.add_argument("--command", help="how reelsync is called on this machine")
    return parser.parse_args()


def open_client(options):
    if options.connect:
        return Reelsync.connect()
    return Reelsync.start(shlex.split(options.command) if options.command else None)


def render(reelsync, options):
    session = reelsync.create_session(
        title=options.title,
        project=options.project,
        session_key=options.session_key,
        planned_scene_count=len(options.clips),
    )
    failures = 0
    for index, clip in enumerate(options.clips):
        name = os.path.splitext(os.path.basename(clip))[0]
        scene = reelsync.upsert_scene(
            session["session_id"], scene_key=name, index=index, title=name, status="rendering"
        )
        try:
            upload_scene(reelsync, scene["scene_id"], clip, name)
        except ReelsyncError as error:
            # One clip that cannot be used is no reason to lose the others.
            failures += 1
            print(f"{clip}: {error.code}: {error}", file=sys.stderr)
    reelsync.end_session(session["session_id"], outcome="failed" if failures else "ended")
    return 1 if failures else 0


def upload_scene(reelsync, scene, clip, name):
    video = reelsync.upload(clip, scene=scene, asset_type="video_chunk", on_progress=show(clip))
    print(json.dumps({"clip": clip, **video}), flush=True)
    caption = f"1\n00:00:00,000 --> 00:00:02,000\n{name}\n".encode()
    subtitle = reelsync.upload(caption, scene=scene, asset_type="subtitle", file_name=f"{name}.srt")
    print(json.dumps({"clip": clip, **subtitle}), flush=True)


def show(clip):
    def on_progress(progress):
        if progress["phase"] == "uploading" and progress["total"]:
            done = 100 * progress["loaded"] // progress["total"]
            print(f"{clip}: {done} %", file=sys.stderr)

    return on_progress


if __name__ == "__main__":
    sys.exit(main())
