"""Work that runs somewhere else: submitted, asked after, ended and collected (S7, S8).

Where the CI system waits by itself between two polls, the node ends with RUNNING after each, and is started again.
Standard library only: bundled into the emitted script.
"""

from __future__ import annotations

import os
import tempfile
import time
from pathlib import Path
from typing import Any

from mlcc.runtime.attempt import FAIL, PASS, TIMEOUT, Attempt, environment_of, take_outputs
from mlcc.runtime.decide import read_states
from mlcc.runtime.log import say
from mlcc.runtime.login import Logins
from mlcc.runtime.platform import Platform
from mlcc.runtime.process import TIMED_OUT, CancelledError, shell, watch_cancel
from mlcc.runtime.records import RunError, is_texts, legs_of, read_plan, read_selection, state_folder
from mlcc.runtime.submissions import record_submission, recorded, subject_of, submitted_handle

RUNNING = 75  # of `poll`, and of the node: "temporary failure; the user is invited to retry" (sysexits.h)
POLL_SECONDS = 600.0  # that one poll may take, with `setup`
CANCEL_SECONDS = 120.0  # that `cancel` may take, with `setup`
ENDED = "its process was ended while its remote job ran"  # unless it says otherwise in the end


class RemoteJob:
    """What one leg of a node has running somewhere else. What is known of it stands in the leg's state."""

    def __init__(self, leg: Attempt, env: dict[str, str], logins: Logins) -> None:
        self.leg, self.env, self.logins = leg, env, logins
        self.stated: dict[str, Any] = leg.node["remote"]
        self.seen: dict[str, Any] = leg.state.get("remote", {})
        self.handle_file = (state_folder(leg.id, leg.leg) / "handle").resolve()

    def attempt(self) -> int:
        """Go on with what is submitted, or submit it, and see it end. Returns PASS, FAIL, TIMEOUT or RUNNING."""
        self._open()
        self.leg.finish("failed", "error", ENDED)  # whoever comes after a kill knows what there is to end
        if not self.seen["handle"]:
            status = self._submit()
            if status != PASS:
                return status
        while time.monotonic() < self.leg.deadline:
            code = self._call("poll", min(self.leg.deadline, time.monotonic() + POLL_SECONDS))
            if code is None:
                break
            if code == 0:
                return self._collect()
            if code != RUNNING:
                self._end("failed")
                self.leg.finish("failed", "fail", f"its remote job failed: `poll` ended with {code}")
                return FAIL
            self.leg.finish("failed", "error", ENDED)
            if self.leg.platform.waits:
                return RUNNING
            self._wait()
        return self._late()

    def cancel(self) -> bool:
        """End what is submitted, if it hasn't ended, and note whether that could be done. Return False where it couldn't."""
        if self.seen and not self.seen["handle"] and not self.seen["ended"]:
            self._find_handle()
        if not self.seen or not self.seen["handle"] or self.seen["ended"]:
            return True
        say("mlcc: cancelling the remote job")
        try:
            code = self._call("cancel", time.monotonic() + CANCEL_SECONDS)
        except OSError as problem:  # such as a folder that the job has removed
            self.leg.note = f"; its remote job may still run: `cancel` can't be run: {problem.strerror}"
            return False
        if code != 0:
            how = f"didn't end within {CANCEL_SECONDS:.0f} s" if code is None else f"ended with {code}"
            self.leg.note = f"; its remote job may still run: `cancel` {how}"
            return False
        self._end("cancelled")
        self.leg.note = "; its remote job was cancelled"
        return True

    def _open(self) -> None:
        """Find out what is submitted already: by this run, or by an earlier one."""
        self.leg.note = ""
        subject = subject_of(self.leg, self.env)
        if self.seen.get("subject", subject) != subject:
            self.cancel()
            raise RunError("what it reads changed while its remote job ran")
        if not self.seen:
            found = recorded(self.leg, self.env, subject) if self.stated["resume"] else None
            # Without a record, nothing tells the submissions of two runs apart but chance.
            name = subject[:32] if self.stated["resume"] else os.urandom(16).hex()
            began = time.time() - (time.monotonic() - self.leg.started)
            self.seen = {
                "subject": subject,
                "name": name,
                "began": began,
                "number": 1,
                "handle": "",
                "ended": "",
            }
            self.seen.update(found or {})
            if self.seen["handle"] and not self.seen["ended"]:
                say(f"mlcc: goes on with {self.seen['handle']}, which was submitted before")
        if self.seen["ended"]:
            self.seen.update(number=self.seen["number"] + 1, handle="", ended="")
        self.leg.state["remote"] = self.seen

    def _submit(self) -> int:
        self.handle_file.unlink(missing_ok=True)
        code = self._call("submit", self.leg.deadline)
        problem = self._find_handle()
        if code == 0 and not problem:
            say(f"mlcc: submitted {self.seen['handle']}")
            self.leg.finish("failed", "error", ENDED)
            self._record()
            return PASS
        if code is None:
            return self._late()
        if not self.cancel():
            self._end("failed")  # nobody goes on with what wasn't submitted well
        self.leg.finish("failed", "fail", f"`submit` ended with {code}" if code else problem)
        return FAIL

    def _find_handle(self) -> str:
        """Take the handle that `submit` left. Return what is wrong with it; empty: nothing."""
        try:
            self.seen["handle"] = submitted_handle(self.handle_file)
        except RunError as problem:
            return str(problem)
        return ""

    def _collect(self) -> int:
        """Fetch what the work made. What can't be fetched now may be so later: the work itself is done."""
        if "collect" in self.stated:
            code = self._call("collect", self.leg.deadline)
            if code is None:
                return self._late()
            if code != 0:
                self.leg.finish("failed", "fail", f"its remote job is done, and `collect` ended with {code}")
                return FAIL
        status = take_outputs(self.leg, self.env)
        end, verdict, cause = (str(self.leg.state[key]) for key in ("end", "verdict", "cause"))
        self._end("done" if status == PASS else "failed")
        self.leg.finish(end, verdict, cause)  # once more, with how the work ended
        return status

    def _late(self) -> int:
        """End what ran out of its time, or what can't be asked after any more."""
        over = time.monotonic() >= self.leg.deadline
        what = f"it didn't end within {self.leg.node['timeout']} s"
        self.cancel()
        self.leg.finish("failed", "error", what if over else f"`poll` didn't end within {POLL_SECONDS:.0f} s")
        return TIMEOUT

    def _wait(self) -> None:
        """Wait until the next poll, and renew what a long wait would outlive."""
        until = min(time.monotonic() + float(self.stated["every"]), self.leg.deadline)
        while time.monotonic() < until:
            time.sleep(min(1.0, max(0.0, until - time.monotonic())))
            self.logins.tick()

    def _call(self, name: str, limit: float) -> int | None:
        """Run one of the commands, and return what it ended with; None: it was still running at `limit`."""
        own = {"MLCC_REMOTE_KEY": f"mlcc-{self.seen['name']}-{self.seen['number']}"}
        if name == "submit":
            own["MLCC_HANDLE_FILE"] = str(self.handle_file)
        else:
            own["MLCC_HANDLE"] = self.seen["handle"]
        lines = [*self.leg.node.get("setup", []), *self.stated[name]]
        where = self.leg.node.get("working_directory") or "."
        code = shell(lines, {**self.env, **own}, limit, where, self.logins.tick)
        return None if code == TIMED_OUT and time.monotonic() >= limit else code

    def _end(self, how: str) -> None:
        self.seen["ended"] = how
        self._record()

    def _record(self) -> None:
        """Keep what is known beyond the run."""
        if self.stated["resume"]:
            record_submission(self.leg, self.env)


def run_remote(leg: Attempt, env: dict[str, str], logins: Logins) -> int:
    """Make one attempt at a remote job, and leave none running that nobody will go on with."""
    job = RemoteJob(leg, env, logins)
    try:
        return job.attempt()
    except CancelledError:
        job.cancel()
        raise
    except (RunError, OSError):
        if not job.stated["resume"]:
            job.cancel()
        raise


def left_behind(id: str, leg: str, platform: Platform) -> dict[str, Any] | None:
    """Return the state that this run's leg left when its process ended, if it has submitted something; None: it hasn't."""
    plan, selection = read_plan(), read_selection(platform.facts())
    if id not in plan["nodes"] or leg not in legs_of(plan["nodes"][id]):
        raise RunError(f"the plan has no node '{id}', or that has no leg '{leg}'")
    state = dict(zip(legs_of(plan["nodes"][id]), read_states(id, plan["nodes"][id], selection))).get(leg)  # noqa: B905
    if state is None or "remote" not in state:
        return None
    seen = state["remote"]
    texts = isinstance(seen, dict) and is_texts({**seen, "began": "", "number": ""})
    numbers = texts and type(seen.get("number")) is int and type(seen.get("began")) in (int, float)
    if not numbers or not {"subject", "name", "handle", "ended"} <= set(seen):
        raise RunError(f"the state of '{id}' isn't whole")
    return state


def cancel_main(platform: Platform) -> int:
    """End the remote job of a node whose process was ended before it could; the CI system calls this after the node."""
    watch_cancel()
    id, leg_id = os.environ.get("MLCC_NODE", ""), os.environ.get("MLCC_LEG", "")
    left = left_behind(id, leg_id, platform)
    if left is None or left["remote"].get("ended"):
        return PASS
    leg = Attempt(id, leg_id, platform, left)
    with tempfile.TemporaryDirectory(prefix="mlcc-") as folder:
        env, logins = environment_of(leg, Path(folder))
        done = RemoteJob(leg, env, logins).cancel()
    leg.finish("failed", "error", str(left["cause"]))
    return PASS if done else FAIL
