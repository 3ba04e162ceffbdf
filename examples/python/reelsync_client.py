"""Reelsync from Python: uploads through `reelsync serve`, with its journal, its retries and its error codes.

Needs the standard library only, Python 3.9 or newer. Copy this file into your project.

    from reelsync_client import Reelsync

    with Reelsync.start() as reelsync:              # a sidecar of its own, ended with the block
        session = reelsync.create_session(title="My reel", project="demo", session_key="run-1")
        scene = reelsync.upsert_scene(session["session_id"], scene_key="intro", index=0, title="Intro")
        asset = reelsync.upload("intro.mp4", scene=scene["scene_id"], asset_type="video_chunk")
        print(asset["state"], asset["sha256"])

`Reelsync.connect()` instead talks to a sidecar that runs already. A client may be used by several threads at once.
"""

import http.client
import itertools
import json
import os
import queue
import re
import shlex
import shutil
import subprocess
import tempfile
import threading
import urllib.parse
import uuid

__all__ = ["Reelsync", "ReelsyncError"]

ADDRESS_FILE = os.path.join(".reelsync", "serve.json")
_BLOCK = 1024 * 1024
_LONGEST_LINE = 16 * 1024 * 1024


class ReelsyncError(Exception):
    """What went wrong, and what to do about it. Decide by `code` or `retryable`, never by the text."""

    def __init__(self, error):
        super().__init__(error["message"])
        self.code = error["code"]
        self.hint = error.get("hint")
        self.retryable = error.get("retryable", False)
        self.request_id = error.get("requestId")
        self.retry_after_ms = error.get("retryAfterMs")
        # Set when the upload was parked: the work is not lost, and `replay_dead_letter(id)` sends it again.
        self.dead_letter = error.get("deadLetter")


class Reelsync:
    """One connection to a sidecar. Answers are dicts, with their keys in snake_case."""

    def __init__(self, transport):
        self._transport = transport

    @classmethod
    def start(cls, command=None, *, env=None, cwd=None):
        """Starts a sidecar that belongs to this client. `env` is added to the environment it inherits.

        `command` is a list of words. Unless given it is REELSYNC_COMMAND, else the `reelsync` of the PATH, else that of
        the project around `cwd` (`node_modules`). What is not installed is never fetched.
        """
        whole = {**os.environ, **(env or {})}
        return cls(_Child(list(command) if command is not None else _installed(whole, cwd), whole, cwd))

    @classmethod
    def connect(cls, url=None, token=None, *, address_file=ADDRESS_FILE):
        """Talks to a running sidecar: the one of the address file, unless told otherwise."""
        if url is None:
            address = _read_address(address_file)
            url, token = address["url"], token or address.get("token")
        return cls(_Http(url, token))

    def close(self):
        """Waits until everything asked is answered, and ends a sidecar that was started here."""
        self._transport.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def create_session(self, *, title, project, session_key, planned_scene_count=None, correlation_id=None):
        """Creates a session, or finds the one with this project and key."""
        session = {"title": title, "project": project, "sessionKey": session_key}
        session.update(_given(plannedSceneCount=planned_scene_count))
        return self._ask("createSession", session, correlation_id)

    def end_session(self, session_id, *, outcome=None, error_message=None, correlation_id=None):
        """Says that a session has ended; `outcome` is "ended" unless it is "failed"."""
        end = {"sessionId": session_id, **_given(outcome=outcome, errorMessage=error_message)}
        return self._ask("endSession", end, correlation_id)

    def upsert_scene(
        self,
        session_id,
        *,
        scene_key,
        index,
        title,
        status=None,
        planned_duration_ms=None,
        error_message=None,
        correlation_id=None,
    ):
        """Creates or changes the scene with this session and key."""
        scene = {"sessionId": session_id, "sceneKey": scene_key, "index": index, "title": title}
        scene.update(
            _given(status=status, plannedDurationMs=planned_duration_ms, errorMessage=error_message)
        )
        return self._ask("upsertScene", scene, correlation_id)

    def upload(self, file, *, on_progress=None, correlation_id=None, **described):
        """Uploads a path, bytes, or an open binary file. Calling it twice with the same content changes nothing.

        `scene` or `session`, and `asset_type`, say where it belongs; `chunk_index`, `file_name`, `content_type`,
        `duration_ms`, `metadata`, `history_only` and `timeout_ms` may be added. `on_progress` gets a dict with `phase`, `loaded`,
        `total`, `bytes_per_second` and `attempt`.

        The answer's `state` is "ready", or "superseded" when a newer version came in between, or "queued" while S3 or
        Convex is down: then it is safe on this machine's disk and is sent later.
        """
        upload = _described(**described)
        if isinstance(file, (str, os.PathLike)):
            return self._ask("upload", {"file": _path(file), **upload}, correlation_id, on_progress)
        blocks = _blocks(file)
        if "fileName" not in upload and isinstance(getattr(file, "name", None), str):
            upload["fileName"] = os.path.basename(file.name)
        return self._answer(
            lambda told: self._transport.upload_blocks(blocks, upload, told, on_progress), correlation_id
        )

    def upload_batch(self, uploads, *, timeout_ms=None, on_progress=None, correlation_id=None):
        """Uploads many files at once. Each is a dict of what `upload` takes, with the path as `file`.

        Answers `successful` and `failed`, each with its `index`; one that fails leaves the others alone. Progress
        carries the `index` too.
        """
        items = []
        for one in uploads:
            rest = dict(one)
            items.append({"file": _path(rest.pop("file")), **_described(**rest)})
        batch = {"uploads": items, **_given(timeoutMs=timeout_ms)}
        answer = self._ask("uploadBatch", batch, correlation_id, on_progress)
        for failure in answer["failed"]:
            failure["error"] = ReelsyncError(_camel_keys(failure["error"]))
        return answer

    def ingest_from_url(
        self,
        url,
        *,
        max_bytes=None,
        creative=None,
        iteration=None,
        on_progress=None,
        correlation_id=None,
        **described,
    ):
        """Takes a provider's file from its public URL; described, and answered, as `upload` is.

        `creative` and `iteration` are recorded with it. Where the deployment has no bucket nothing is downloaded, and
        `state` is "not_stored".
        """
        ingested = {"url": url, **_described(**described)}
        ingested.update(_given(maxBytes=max_bytes, creative=creative, iteration=iteration))
        return self._ask("ingestFromUrl", ingested, correlation_id, on_progress)

    def upload_status(self, upload_id):
        """Where an upload is: "uploading", "queued", "recorded" (with its `asset`) or "dead_letter"."""
        return self._ask("uploadStatus", {"uploadId": upload_id})

    def asset_url(self, asset_id):
        """A fresh URL of a stored asset."""
        return self._ask("assetUrl", {"assetId": asset_id})

    def drain(self):
        """Sends what waits in the journal; answers `sent`, `failed` and `waiting`."""
        return self._ask("drain", {})

    def dead_letters(self):
        """The uploads given up on, with their causes."""
        return self._ask("listDeadLetters", {})["dead_letters"]

    def replay_dead_letter(self, id):
        """Sends a dead letter through the line again."""
        return self._ask("replayDeadLetter", {"id": id})

    def cancel(self, correlation_id):
        """Takes back what is under way with this correlation id; answers how many calls that were."""
        return self._ask("cancel", {"correlationId": correlation_id})["cancelled"]

    def health(self):
        """The circuit breakers, and what waits in the journal."""
        return self._ask("health", {})

    def _ask(self, method, params, correlation_id=None, on_progress=None):
        return self._answer(
            lambda told: self._transport.call(method, params, told, on_progress), correlation_id
        )

    def _answer(self, work, correlation_id):
        told = correlation_id or str(uuid.uuid4())
        try:
            return _snake_keys(work(told))
        except KeyboardInterrupt:
            # What nobody waits for any more is taken back, as Ctrl-C does on the command line.
            try:
                self._transport.call("cancel", {"correlationId": told}, None, None)
            except ReelsyncError:
                pass
            raise


class _Child:
    """A sidecar as a child process: one JSON document a line, in and out."""

    def __init__(self, command, env, cwd):
        try:
            self._process = subprocess.Popen(
                [*command, "serve", "--stdio"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                cwd=cwd,
                env=env,
                encoding="utf-8",
                errors="replace",
                # Ctrl-C is for this process: it takes back what it waits for, and the sidecar ends with its input.
                start_new_session=True,
            )
        except OSError as error:
            raise _unavailable(f"{command[0]} cannot be started ({error.strerror})") from error
        self._ids = itertools.count(1)
        self._lock = threading.Lock()
        self._answers = {}
        self._ended = False
        self._fault = None
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def call(self, method, params, correlation_id, on_progress):
        answers = queue.SimpleQueue()
        id = next(self._ids)
        request = {"id": id, "method": method, "params": params, **_given(correlationId=correlation_id)}
        line = json.dumps(request) + "\n"
        if len(line) > _LONGEST_LINE:
            raise _too_long(method, len(line))
        try:
            with self._lock:
                self._answers[id] = answers
                if self._ended:
                    raise self._gone()
                try:
                    self._process.stdin.write(line)
                    self._process.stdin.flush()
                except (OSError, ValueError) as error:
                    raise self._gone() from error
            while True:
                record = answers.get()
                if record is None:
                    raise self._gone()
                if "progress" not in record:
                    return _result(record)
                if on_progress is not None:
                    on_progress(_snake_keys(record["progress"]))
        finally:
            self._answers.pop(id, None)

    def upload_blocks(self, blocks, upload, correlation_id, on_progress):
        folder = tempfile.mkdtemp(prefix="reelsync-")
        try:
            path = os.path.join(folder, "bytes")
            with open(path, "wb") as file:
                for block in blocks:
                    file.write(block)
            # The name of a temporary file says nothing: the type of asset gives a better one.
            params = {"file": path, "temporary": True, **upload}
            return self.call("upload", params, correlation_id, on_progress)
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def close(self):
        with self._lock:
            try:
                self._process.stdin.close()
            except OSError:
                pass
        self._process.wait()
        self._reader.join()
        self._process.stdout.close()

    def _read(self):
        try:
            for line in self._process.stdout:
                if line.strip():
                    self._hand_over(line)
        except ValueError as error:
            self._fault = str(error)
            # Before anything waits for the lock: who holds it may be writing to a program that does not read.
            self._process.terminate()
        finally:
            with self._lock:
                self._ended = True
                for waiting in list(self._answers.values()):
                    waiting.put(None)
            # A full pipe would keep the program from ending.
            for _ in self._process.stdout:
                pass

    def _hand_over(self, line):
        try:
            record = json.loads(line)
        except ValueError:
            record = None
        if not isinstance(record, dict):
            raise ValueError(f"The sidecar printed {line.strip()[:100]!r} where an answer belongs")
        waiting = self._answers.get(record.get("id"))
        if waiting is not None:
            waiting.put(record)

    def _gone(self):
        if self._fault is not None:
            return _unavailable(self._fault)
        try:
            code = self._process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            code = "none yet"
        return _unavailable(f"The sidecar has ended (exit code {code}); its standard error says why")


class _Http:
    """A running sidecar, a connection for each call."""

    ROUTES = {
        "createSession": ("POST", "/sessions"),
        "endSession": ("POST", "/sessions/:sessionId/end"),
        "upsertScene": ("POST", "/scenes"),
        "upload": ("POST", "/uploads"),
        "uploadBatch": ("POST", "/batch"),
        "ingestFromUrl": ("POST", "/ingest"),
        "uploadStatus": ("GET", "/uploads/:uploadId"),
        "assetUrl": ("GET", "/assets/:assetId/url"),
        "drain": ("POST", "/drain"),
        "listDeadLetters": ("GET", "/dead-letters"),
        "replayDeadLetter": ("POST", "/dead-letters/:id/replay"),
        "cancel": ("POST", "/cancel"),
        "health": ("GET", "/health"),
    }

    def __init__(self, url, token):
        self._url = urllib.parse.urlsplit(url)
        self._token = token

    def call(self, method, params, correlation_id, on_progress):
        verb, path = self.ROUTES[method]
        rest = dict(params)
        for name in re.findall(r":(\w+)", path):
            path = path.replace(f":{name}", urllib.parse.quote(str(rest.pop(name)), safe=""))
        body = None if verb == "GET" else json.dumps(rest).encode()
        headers = {} if body is None else {"Content-Type": "application/json"}
        return self._request(verb, path, body, headers, correlation_id, on_progress)

    def upload_blocks(self, blocks, upload, correlation_id, on_progress):
        query = {name: value for name, value in upload.items() if name not in ("entity", "metadata", "contentType")}
        query.update(entityType=upload["entity"]["type"], entityId=upload["entity"]["id"])
        for name in ("metadata", "historyOnly"):
            if name in upload:
                query[name] = json.dumps(upload[name])
        path = "/uploads/stream?" + urllib.parse.urlencode(query)
        headers = {"Content-Type": upload.get("contentType", "application/octet-stream")}
        return self._request("POST", path, blocks, headers, correlation_id, on_progress)

    def close(self):
        """Nothing is kept open between calls."""

    def _request(self, verb, path, body, headers, correlation_id, on_progress):
        if self._token is not None:
            headers["Authorization"] = f"Bearer {self._token}"
        if correlation_id is not None:
            headers["X-Correlation-Id"] = correlation_id
        if on_progress is not None:
            headers["Accept"] = "application/x-ndjson"
        connection = http.client.HTTPConnection(self._url.hostname, self._url.port)
        try:
            try:
                connection.request(verb, "/v1" + path, body, headers)
            except (BrokenPipeError, ConnectionResetError):
                # A body may be refused before all of it is sent; the answer says why.
                pass
            response = connection.getresponse()
            if response.headers.get_content_type() == "application/x-ndjson":
                return self._last_line(response, on_progress)
            answer = json.loads(response.read())
            return answer if response.status == 200 else _result(answer)
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise _unavailable(f"{self._url.geturl()} does not answer ({error})") from error
        finally:
            connection.close()

    @staticmethod
    def _last_line(response, on_progress):
        for line in response:
            record = json.loads(line)
            if "progress" not in record:
                return _result(record)
            on_progress(_snake_keys(record["progress"]))
        raise http.client.IncompleteRead(b"")


def _installed(env, cwd):
    """Not through npx: it would run, with the agent's keys, whatever a registry has under the name."""
    if env.get("REELSYNC_COMMAND", "").strip():
        return shlex.split(env["REELSYNC_COMMAND"])
    found = shutil.which("reelsync", path=env.get("PATH"))
    folder = os.path.abspath(cwd or os.curdir)
    while found is None:
        found = shutil.which("reelsync", path=os.path.join(folder, "node_modules", ".bin"))
        if os.path.dirname(folder) == folder:
            break
        folder = os.path.dirname(folder)
    if found is None:
        raise _refusal(
            "CONFIG_INVALID",
            "The program reelsync is neither on the PATH nor installed in a project around this folder",
            "Install the npm package there, or set REELSYNC_COMMAND to how the program is called.",
        )
    return [found]


def _read_address(path):
    try:
        with open(path, encoding="utf-8") as file:
            return json.load(file)
    except (OSError, ValueError) as error:
        raise _unavailable(f"No sidecar has written its address to {path}") from error


def _described(*, asset_type, scene=None, session=None, **rest):
    """What the sidecar is told of an upload. It judges types and sizes, so that they are refused with its codes."""
    if (scene is None) == (session is None):
        raise TypeError("either scene or session says where the upload belongs")
    names = {
        "chunk_index": "chunkIndex",
        "file_name": "fileName",
        "content_type": "contentType",
        "duration_ms": "durationMs",
        "metadata": "metadata",
        "history_only": "historyOnly",
        "timeout_ms": "timeoutMs",
        "correlation_id": "correlationId",
    }
    unknown = set(rest) - set(names)
    if unknown:
        raise TypeError(f"an upload takes no {', '.join(sorted(unknown))}")
    entity = {"type": "session", "id": session} if scene is None else {"type": "scene", "id": scene}
    known = {names[name]: value for name, value in rest.items() if value is not None}
    return {"entity": entity, "assetType": asset_type, **known}


def _path(path):
    # The sidecar may have been started in another folder.
    return os.path.abspath(os.fspath(path))


def _blocks(file):
    """Bytes a block at a time, whatever they come from."""
    if isinstance(file, (bytes, bytearray, memoryview)):
        view = memoryview(file).cast("B")
        return (view[start : start + _BLOCK] for start in range(0, len(view), _BLOCK))
    return iter(lambda: file.read(_BLOCK), b"")


def _result(record):
    if "error" in record:
        raise ReelsyncError(record["error"])
    return record["result"]


def _unavailable(message):
    hint = "Start `reelsync serve`, or wait until it runs again."
    return _refusal("SIDECAR_UNAVAILABLE", message, hint, retryable=True)


def _too_long(method, length):
    fact = f"{method} takes {length} bytes as one line, {_LONGEST_LINE} are allowed"
    return _refusal("INVALID_ARGUMENT", fact, "Ask for less at once.")


def _refusal(code, fact, hint, retryable=False):
    return ReelsyncError({"code": code, "message": f"{fact}. {hint}", "hint": hint, "retryable": retryable})


def _given(**values):
    return {name: value for name, value in values.items() if value is not None}


def _renamed(value, rename):
    if isinstance(value, list):
        return [_renamed(one, rename) for one in value]
    if isinstance(value, dict):
        # The names inside of metadata are the caller's own.
        return {rename(key): one if key == "metadata" else _renamed(one, rename) for key, one in value.items()}
    return value


def _snake_keys(value):
    return _renamed(value, lambda key: re.sub(r"(?<=[a-zA-Z0-9])[A-Z]", lambda found: "_" + found[0].lower(), key))


def _camel_keys(value):
    return _renamed(value, lambda key: re.sub(r"_([a-z])", lambda found: found[1].upper(), key))
