"""The keys of a release: what brings artifacts that passed into an environment, and what undoes that."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field, create_model

from mlcc.gates.answers.params import Answers
from mlcc.gates.canary.params import CanaryAnalysis, CanaryLiveness, CanarySource, CanaryTraffic
from mlcc.gates.command.params import CommandGate
from mlcc.release.adapters import ADAPTERS
from mlcc.spec.base import Command, Duration, EnvName, Factor, Id, Model, OneOrMany, Path
from mlcc.spec.execution import EnvValue, Execution


class Rollback(Model):
    """What undoes a release that didn't pass. With an `adapter`, its verbs do."""

    run: Command | None = Field(
        default=None,
        description="Brings back what ran before. It may run more than once, and the last time must do no harm.",
    )
    timeout: Duration = Field(default="10m", description="Of the rollback alone, after the release's own.")
    drain: Duration | None = Field(
        default=None,
        description="With `adapter`: how long requests under way may take once it gets no new ones; 5s.",
    )
    lease: Duration | None = Field(
        default=None,
        description="With `adapter`: how long a candidate stays of which nothing more is heard; 2h.",
    )
    reconcile: OneOrMany[Id] | None = Field(
        default=None,
        description="With `adapter`: triggers that look for a candidate which outlived its lease, such as an hourly schedule. "
        "They start nothing that doesn't name them.",
    )
    manual: OneOrMany[Id] | None = Field(
        default=None,
        description="Triggers by which a person undoes it: a form with one button. Its input `release`, if it has one, names "
        "what to bring back instead of what was live before. They start nothing that doesn't name them.",
    )


class AdapterKeys(Model):
    """What serves the model: exactly one of these."""

    EXACTLY_ONE: ClassVar[tuple[tuple[str, ...], ...]] = (tuple(ADAPTERS),)


def _adapter_model() -> type[AdapterKeys]:
    """Return the model with one optional key per registered adapter."""
    kinds: dict[str, Any] = {
        kind.name: (kind.params() | None, Field(default=None, description=kind.title))
        for kind in ADAPTERS.values()
    }
    return create_model(
        "Adapter", __base__=AdapterKeys, __module__=__name__, __doc__=AdapterKeys.__doc__, **kinds
    )


if TYPE_CHECKING:
    Adapter = AdapterKeys
else:
    Adapter = _adapter_model()


class CanaryStep(Model):
    """A share of the requests, and how long it is watched."""

    weight: int | float = Field(
        ge=0.01, le=99.99, description="The candidate's share of the requests in percent."
    )
    bake: Duration | None = Field(
        default=None, description="How long, if not as long as the canary's other steps."
    )


class ReleaseCanary(CanaryAnalysis):
    """Lets the candidate serve a growing share of the requests, each judged before the next."""

    steps: list[int | float | CanaryStep] = Field(
        min_length=1,
        description="Shares in percent, each larger than the one before; or steps with a time of their own.",
    )
    bake: Duration = Field(default="15m", description="How long each step is watched, at most.")
    max_extend: Factor = Field(
        default="1x",
        description="How many times `bake` a step is watched at most, where only more requests could tell; from 1x to 10x.",
    )
    watch_first: Duration | None = Field(
        default=None,
        description="How long a runner watches a step before the CI system waits without one, until the end of `bake` nears. "
        "If not given: 5m of a step that bakes for more than 30m, and else the whole step.",
    )
    every: Duration = Field(default="30s", description="How long the judge waits between two looks.")
    max_age: Duration = Field(default="5m", description="How old the last observation may be.")
    fail_after: int = Field(
        default=2,
        ge=1,
        le=100,
        description="So many looks in a row without a request of the candidate, or without an observation, end it.",
    )
    liveness: CanaryLiveness | None = Field(
        default=None, description="Asks the candidate itself whether it is alive."
    )
    observations: CanarySource = Field(description="Where both arms' counters are read.")
    on_inconclusive: Literal["rollback", "hold"] = Field(
        default="rollback",
        description="What happens where a step could show neither that the candidate is good nor that it is bad: it is rolled "
        "back, or keeps its share until its lease ends, for a person to decide.",
    )
    traffic: CanaryTraffic | None = Field(
        default=None, description="What comes in: the compiler says where a step can't show what it must."
    )


class Verification(Model):
    """Asks what was deployed, before anything relies on it: exactly one of these gates, which must pass."""

    EXACTLY_ONE: ClassVar[tuple[tuple[str, ...], ...]] = (("answers", "command"),)
    answers: Answers | None = Field(
        default=None,
        description="Golden queries to the server. With an `adapter` that tells it, `url` is the candidate's own address.",
    )
    command: CommandGate | None = Field(
        default=None,
        description="A program; the candidate's address is MLCC_CANDIDATE_URL where the adapter tells it.",
    )


class AfterPromote(Model):
    """What happens once it is live."""

    watch: Duration = Field(
        description="How long the limits of the canary's rates are watched. What exceeds one is rolled back; what can't be "
        "told is held for a person."
    )


class Preview(Model):
    """Shows on a pull request what the release would do. It gets nothing that is the environment's, and never runs for forks."""

    run: Command = Field(description="Changes nothing: a plan, a diff, a dry run.")
    report: Path | None = Field(default=None, description="Markdown file that it writes, shown with the run.")
    env: dict[EnvName, EnvValue] = Field(
        default_factory=dict, description="Its variables: those of the release don't reach it."
    )


class Release(Execution):
    """Brings artifacts that passed their gates into an environment: one at a time, and never for a pull request."""

    EXACTLY_ONE: ClassVar[tuple[tuple[str, ...], ...]] = (("run", "adapter"),)
    run: Command | None = Field(
        default=None, description="One bash process together with `setup`, in strict mode."
    )
    adapter: Adapter | None = Field(
        default=None, description="Releases by steps, through what serves the model."
    )
    canary: ReleaseCanary | None = Field(
        default=None,
        description="With `adapter`: steps on live traffic, before the candidate gets all of it.",
    )
    deploys: list[Id] = Field(
        min_length=1, description="Artifacts that it brings there: their blocking gates must have passed."
    )
    verify: Verification | None = Field(
        default=None,
        description="What must be true of what was deployed: of a candidate, before it gets any request.",
    )
    after_promote: AfterPromote | None = Field(
        default=None, description="With `canary`: what happens once it is live."
    )
    preview: Preview | None = Field(default=None, description="What pull requests show of it.")
    rollback: Rollback | Literal["none"] | None = Field(
        default=None,
        description="What happens where it failed, ran out of time or was cancelled. With `run` it must be said; "
        "`none`: nothing can undo it.",
    )
    reads: list[Id] = Field(default_factory=list, description="Other artifacts that it consumes.")
    needs: list[Id] = Field(default_factory=list, description="Nodes that must end first (order only).")
