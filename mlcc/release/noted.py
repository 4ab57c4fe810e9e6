"""An adapter for what serves by objects of its own, beside which notes are kept: who is live, who is the candidate, who was live.

Standard library only: bundled into the emitted script.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from mlcc.release.adapter import Adapter, Deployed, ReleaseError, deployed_of
from mlcc.release.programs import command_words, run_program

BEFORE = "before-mlcc"  # the id of what served when mlcc came
REMEMBERED = 10
WAIT_SECONDS = 2.0  # between two looks at a platform


class NotedAdapter(Adapter):
    """The flow that such platforms share. A release is an id and `what` serves it: a model's address, an image, a model's name.

    The notes are texts: live, live_what, candidate, candidate_what, previous, previous_what, lease, and, where there is
    room for it (`remembers`), released: what was live, the last one last.
    """

    remembers = False

    def noted(self) -> dict[str, str]:
        """Return the notes, {} where there are none yet."""
        raise NotImplementedError

    def note(self, changes: dict[str, str]) -> None:
        """Change some of the notes."""
        raise NotImplementedError

    def what_of(self, release: str) -> str:
        """Return what is to serve a release."""
        return str(self.params["what"]).replace("{release}", release)

    def served(self) -> str:
        """Return what serves now, for the first notes."""
        raise NotImplementedError

    def weight(self) -> float:
        """Return the candidate's share of the requests in percent, as the platform tells it."""
        raise NotImplementedError

    def put(self, release: str, what: str) -> None:
        """Have a candidate beside what is live, without a request; return when it is ready."""
        raise NotImplementedError

    def share(self, weight: float) -> None:
        """Give the candidate a share of the requests; return when the platform tells so."""
        raise NotImplementedError

    def finish(self) -> None:
        """Give the candidate all requests."""
        raise NotImplementedError

    def bring_back(self, release: str, what: str) -> None:
        """Give what was live all requests again, and remove what came after it."""
        raise NotImplementedError

    def all_notes(self) -> dict[str, str]:
        """Return the notes, or the first ones: what serves is live."""
        empty = dict.fromkeys(("candidate", "candidate_what", "previous", "previous_what"), "")
        empty.update({"released": ""} if self.remembers else {})
        found = {**empty, "lease": "0", **self.noted()}
        return found if found.get("live") else {**found, "live": BEFORE, "live_what": self.served()}

    def describe(self) -> Deployed:
        """Return the notes, and the weight that the platform tells."""
        now = self.all_notes()
        weight = self.weight() if now["candidate"] else 0.0
        return deployed_of({**now, "weight": weight, "lease": _number(now["lease"])})

    def deploy(self, release: str, lease: float) -> None:
        """Publish the release, and put it beside what is live."""
        now = self.all_notes()
        if now["live"] == release:
            return
        if now["candidate"] not in ("", release):
            raise ReleaseError(f"there is another candidate: '{now['candidate']}'")
        if self.params.get("publish"):
            run_program(
                command_words(self.params["publish"]), "publish", self.place, {"MLCC_RELEASE": release}
            )
        self._begin(now, release, lease)

    def restore(self, release: str, lease: float) -> None:
        """Put a release of earlier beside what is live, as it was published then."""
        now = self.all_notes()
        if not self.remembers:
            Adapter.restore(self, release, lease)
        if release not in now["released"].split():
            raise ReleaseError(f"'{release}' was never live: there are {now['released'] or 'none'}", 1)
        if now["candidate"] not in ("", release):
            raise ReleaseError(f"there is another candidate: '{now['candidate']}'")
        self._begin(now, release, lease)

    def _begin(self, now: dict[str, str], release: str, lease: float) -> None:
        what = self.what_of(release)
        self.note({**now, "candidate": release, "candidate_what": what, "lease": f"{lease:.0f}"})
        self.put(release, what)

    def set_weight(self, release: str, weight: float, lease: float) -> None:
        """Give the candidate its share."""
        if self.all_notes()["candidate"] != release:
            raise ReleaseError(f"'{release}' isn't the candidate")
        self.note({"lease": f"{lease:.0f}"})
        self.share(weight)

    def promote(self, release: str, lease: float) -> None:
        """Give the candidate all requests, and remember what was live."""
        del lease
        now = self.all_notes()
        if now["live"] == release:
            return
        if now["candidate"] != release:
            raise ReleaseError(f"'{release}' isn't the candidate")
        self.finish()
        self.note(
            {
                "live": release, "live_what": now["candidate_what"], "previous": now["live"],
                "previous_what": now["live_what"], "candidate": "", "candidate_what": "", "lease": "0",
                **self._remembered(now, release, live=True),
            }
        )  # fmt: skip

    def rollback(self, release: str) -> None:
        """Remove a candidate, or bring back what was live before a release."""
        now = self.all_notes()
        if now["live"] == release:
            if not now["previous"]:
                raise ReleaseError(f"nothing was live before '{release}': there is nothing to bring back", 1)
            self.bring_back(now["previous"], now["previous_what"])
            self.note(
                {
                    "live": now["previous"],
                    "live_what": now["previous_what"],
                    "previous": "",
                    "previous_what": "",
                    **self._remembered(now, release, live=False),
                }
            )
        elif now["candidate"] == release:
            self.bring_back(now["live"], now["live_what"])
            self.note({"candidate": "", "candidate_what": "", "lease": "0"})

    def _remembered(self, now: dict[str, str], release: str, *, live: bool) -> dict[str, str]:
        if not self.remembers:
            return {}
        others = [id for id in now["released"].split() if id != release]
        return {"released": " ".join([*others, *([release] if live else [])][-REMEMBERED:])}

    def wait(self, done: Callable[[], bool], what: str) -> None:
        """Look until something is done. Raises ReleaseError where it takes longer than a verb may."""
        limit = time.monotonic() + self.place.within
        while not done():
            if time.monotonic() > limit:
                raise ReleaseError(f"{what} within {self.place.within:g} s", 1)
            time.sleep(min(WAIT_SECONDS, self.place.within / 10))


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise ReleaseError(f"the lease '{text}' that was noted is no time") from None
