"""Servers on one host behind nginx. Standard library only: bundled into the emitted script.

What nginx has loaded is what is served: a location of its own tells it, and every verb begins and ends there. Beside that
there is a file of what nginx can't know: which servers were started, for which candidate, and until when it may stay.

Three traps of nginx: `split_clients` takes neither 0 % nor more than two decimals; a reload returns before the new workers
answer; and the old ones end the requests under way, so that a server may end only after they did.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from mlcc.release.adapter import Adapter, Deployed, ReleaseError, deployed_of
from mlcc.release.adapters.nginx.local import accepts, answer_of
from mlcc.release.programs import command_words, run_program

LOADED_LOOKS = 10  # new connections in a row that only new workers answered
LOOK_SECONDS = 0.1
SETTLE = 1.0  # seconds until old workers have taken what they had accepted
_SPLIT = """# What answers the requests of {name}, made by mlcc: include it in `http`, and say `proxy_pass http://$mlcc_{name};`.
split_clients "$request_id" $mlcc_{name} {{
{share}    * mlcc_{name}_live;
}}
upstream mlcc_{name}_live {{ server 127.0.0.1:{live}; }}
upstream mlcc_{name}_candidate {{ server 127.0.0.1:{candidate}; }}
server {{
    listen 127.0.0.1:{status};
    access_log off;
    location = / {{ default_type application/json; return 200 '{told}'; }}
}}
"""


class Loaded(NamedTuple):
    """What nginx serves: releases by id ("" for none), the candidate's share in percent, and the port of each server."""

    live: str = ""
    candidate: str = ""
    weight: float = 0.0
    previous: str = ""
    servers: Any = {}  # noqa: RUF012 - never changed


class NginxAdapter(Adapter):
    """A split that nginx makes by request, between two servers that the user's commands start and stop."""

    def describe(self) -> Deployed:
        """Return what nginx has loaded; a candidate that was only started is one, too, so that it can be removed."""
        now, noted = self._loaded(), self._noted()
        candidate = now.candidate or (noted["candidate"] if noted["candidate"] != now.live else "")
        port = {**noted["servers"], **now.servers}.get(candidate or now.live)
        return deployed_of(
            {
                "live": now.live,
                "candidate": candidate,
                "weight": now.weight,
                "lease": noted["lease"] if candidate else 0,
                "url": f"http://127.0.0.1:{port}" if port else None,
                "live_url": f"http://127.0.0.1:{now.servers[now.live]}" if now.live else None,
            }
        )

    def deploy(self, release: str, lease: float) -> None:
        """Start the candidate's server, wait until it is ready, and have nginx know it."""
        with self._alone():
            now = self._loaded()
            if release == now.live:
                return
            if now.candidate not in ("", release):
                raise ReleaseError(f"nginx has another candidate: '{now.candidate}'")
            self._tidy({*now[:2], now.previous, release})
            noted = self._noted()
            port = noted["servers"].get(release) or self._free_port({**now.servers, **noted["servers"]})
            self._note(servers={**noted["servers"], release: port}, candidate=release, lease=lease)
            self._up(release, port)
            self._load(now._replace(candidate=release, weight=0.0), {release: port})

    def restore(self, release: str, lease: float) -> None:
        """Start a release of earlier again, from its folder."""
        kept = [id for id in self._noted()["released"] if self._folder(id).is_dir()]
        if release not in kept:
            raise ReleaseError(f"nothing is kept of '{release}': there are {', '.join(kept) or 'none'}", 1)
        self.deploy(release, lease)

    def set_weight(self, release: str, weight: float, lease: float) -> None:
        """Let the candidate have a share of the requests."""
        with self._alone():
            now = self._loaded()
            if now.candidate != release:
                if weight:
                    raise ReleaseError(f"nginx has no candidate '{release}'")
                return  # it was started, and gets no request
            self._note(lease=lease)
            self._load(now._replace(weight=weight))

    def promote(self, release: str, lease: float) -> None:
        """Let the candidate have all requests; what was live keeps running, and what was live before that ends."""
        del lease
        with self._alone():
            now = self._loaded()
            if now.live != release:
                if now.candidate != release:
                    raise ReleaseError(f"nginx has no candidate '{release}'")
                self._check_ready(release, now.servers[release])
                self._load(Loaded(release, "", 0.0, now.live, now.servers))
            released = [id for id in self._noted()["released"] if id != release]
            self._note(candidate="", lease=0, released=[*released, release])
            self._tidy({release, self._loaded().previous})

    def rollback(self, release: str) -> None:
        """Remove a candidate, or bring back what was live before a release; then end its server."""
        with self._alone():
            now, noted = self._loaded(), self._noted()
            if release == now.live:
                if not now.previous:
                    raise ReleaseError(
                        f"nothing was live before '{release}': there is nothing to bring back", 1
                    )
                self._up(now.previous, now.servers[now.previous])
                self._load(now._replace(live=now.previous, previous=""))
                self._note(released=[id for id in noted["released"] if id != release])
            elif release not in (now.candidate, noted["candidate"]):
                return
            elif self._split.exists():  # it may name a candidate that nginx hasn't loaded
                self._load(now._replace(candidate="", weight=0.0))
            if release == noted["candidate"]:
                self._note(candidate="", lease=0)
            time.sleep(self.place.drain)
            self._tidy({*self._loaded()[:2], self._loaded().previous})

    # --- nginx ---

    def _loaded(self) -> Loaded:
        """Return what nginx tells. Raises ReleaseError where it has been told something, and doesn't answer."""
        port = self.params["status"]
        status, text = answer_of(port, "/")
        if status == 0 and not self._split.exists():
            return Loaded()
        try:
            found = Loaded(**json.loads(text))
            ports = {id: found.servers[id] for id in (found.live, found.candidate, found.previous) if id}
            return found._replace(servers=ports)
        except (ValueError, TypeError, KeyError):
            raise ReleaseError(
                f"nginx doesn't tell at 127.0.0.1:{port} what it has loaded: does it run, and does its `http` include "
                f"{self.params['folder']}/*.conf?"
            ) from None

    def _load(self, wanted: Loaded, more: dict[str, int] | None = None) -> None:
        """Have nginx load a split, and wait until only workers answer that have it; else leave all as it was."""
        ports = {**wanted.servers, **(more or {})}
        wanted = wanted._replace(
            servers={id: ports[id] for id in (wanted.live, wanted.candidate, wanted.previous) if id}
        )
        text = self._text(wanted)
        before = self._split.read_text("utf-8") if self._split.exists() else None
        if before == text and self._loaded() == wanted:
            return
        _replace(self._split, text)
        try:
            run_program(command_words(self.params["reload"]), "reload", self.place)
            self._wait_until_loaded(wanted)
        except ReleaseError:
            # Else the next start of nginx would load what this one refused.
            if before is None:
                self._split.unlink()
            else:
                _replace(self._split, before)
            raise
        time.sleep(SETTLE)

    def _wait_until_loaded(self, wanted: Loaded) -> None:
        limit = time.monotonic() + self.params["start_within"]
        seen = 0
        while seen < LOADED_LOOKS:
            with contextlib.suppress(ReleaseError):
                seen = seen + 1 if self._loaded() == wanted else 0
            if time.monotonic() > limit:
                raise ReleaseError(
                    f"nginx didn't load {self._split} within {self.params['start_within']} s: its error log says why; does its "
                    "`http` include the file?"
                )
            time.sleep(LOOK_SECONDS / 10 if seen else LOOK_SECONDS)

    def _text(self, wanted: Loaded) -> str:
        """Return what nginx includes."""
        name, share = self.params["name"], f"{wanted.weight:.2f}".rstrip("0").rstrip(".")
        nobody = "9 down"  # the port of `discard`: an upstream has a server
        return _SPLIT.format(
            name=name,
            share=f"    {share}% mlcc_{name}_candidate;\n" if wanted.weight else "",
            live=wanted.servers[wanted.live] if wanted.live else nobody,
            candidate=wanted.servers[wanted.candidate] if wanted.candidate else nobody,
            status=self.params["status"],
            told=json.dumps(wanted._asdict()),
        )

    # --- servers ---

    def _up(self, release: str, port: int) -> None:
        """Have a server answer: as it does already, or start it again."""
        if self._ready(port):
            return
        self._run("stop", release, port)
        self._folder(release).mkdir(parents=True, exist_ok=True)
        self._run("start", release, port)
        limit = time.monotonic() + self.params["start_within"]
        while not self._ready(port):
            if time.monotonic() > limit:
                self._check_ready(release, port)
            time.sleep(LOOK_SECONDS)

    def _ready(self, port: int) -> bool:
        return 200 <= answer_of(port, self.params["liveness"])[0] < 300

    def _check_ready(self, release: str, port: int) -> None:
        status, _ = answer_of(port, self.params["liveness"])
        if not 200 <= status < 300:
            told = f"with {status}" if status else "nothing"
            raise ReleaseError(
                f"the server of '{release}' answers {self.params['liveness']} on port {port} {told}", 1
            )

    def _tidy(self, kept: set[str]) -> None:
        """End the servers of all other releases, and remove their folders but for those of the last that were live."""
        released = self._noted()["released"]
        earlier = [id for id in released if id not in kept]
        out = earlier[: max(len(earlier) - self.params["keep"], 0)]
        for id, port in sorted(self._noted()["servers"].items()):
            if id in kept:
                continue
            self._run("stop", id, port)
            limit = time.monotonic() + self.params["start_within"]
            while accepts(port):
                if time.monotonic() > limit:
                    raise ReleaseError(
                        f"after `stop`, the server of '{id}' still accepts connections on port {port}"
                    )
                time.sleep(LOOK_SECONDS)
            if id not in earlier:
                shutil.rmtree(self._folder(id), ignore_errors=True)
            self._note(servers={other: p for other, p in self._noted()["servers"].items() if other != id})
        for id in out:
            shutil.rmtree(self._folder(id), ignore_errors=True)
        self._note(released=[id for id in released if id not in out])

    def _run(self, verb: str, release: str, port: int) -> None:
        folder = str(self._folder(release))
        given = {"MLCC_RELEASE": release, "MLCC_PORT": str(port), "MLCC_FOLDER": folder}
        run_program(command_words(self.params[verb]), verb, self.place, given)

    def _free_port(self, servers: dict[str, int]) -> int:
        free = [p for p in self.params["ports"] if p not in servers.values() and not accepts(p)]
        if not free:
            told = ", ".join(f"'{id}' has {port}" for id, port in sorted(servers.items()))
            raise ReleaseError(
                f"none of the ports {self.params['ports']} is free{': ' + told if told else ''}"
            )
        return int(free[0])

    # --- files ---

    @property
    def _split(self) -> Path:
        return Path(self.params["folder"]) / "split.conf"

    def _folder(self, release: str) -> Path:
        return Path(self.params["folder"]) / "releases" / release

    def _noted(self) -> dict[str, Any]:
        """Return which servers were started (id: port), for which candidate, its lease, and what was live, in order."""
        path = Path(self.params["folder"]) / "state.json"
        try:
            found = json.loads(path.read_text("utf-8")) if path.exists() else {}
            noted = {"servers": {}, "candidate": "", "lease": 0, "released": [], **found}
            if all(type(noted[key]) in types for key, types in _NOTED.items()):
                return noted
        except (OSError, ValueError, TypeError):
            pass
        raise ReleaseError(f"{path} can't be read: it says which servers were started")

    def _note(self, **changes: Any) -> None:
        text = json.dumps({**self._noted(), **changes}, indent=1)
        _replace(Path(self.params["folder"]) / "state.json", text + "\n")

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        """Refuse to work on the folder while another process does."""
        folder = Path(self.params["folder"])
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with (folder / "lock").open("w") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                yield
        except BlockingIOError:
            raise ReleaseError(f"another release works on {folder}") from None
        except OSError as problem:
            raise ReleaseError(f"{folder} can't be written: {problem.strerror}") from None


_NOTED = {"servers": (dict,), "candidate": (str,), "lease": (int, float), "released": (list,)}


def _replace(path: Path, text: str) -> None:
    """Write a file whole, or not at all."""
    new = path.with_name(path.name + ".new")
    with new.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)
