"""RESOLVE, continued: what a node has where it says nothing itself: its profile's keys, then those of `defaults`."""

from __future__ import annotations

from collections.abc import Mapping
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from mlcc.problems import Problems
from mlcc.resolving.resolved import ResolvedNode

if TYPE_CHECKING:
    from mlcc.spec.models import Defaults, Profile, Spec

_REPLACED = ("runner", "setup", "working_directory", "timeout", "retry", "checkout")
_MERGED = ("env", "cache")


def layered(defaults: Defaults, profile: Profile | None) -> Defaults | SimpleNamespace:
    """Return the keys of a profile on top of `defaults`: `env` and `cache` merge, the other keys replace."""
    if profile is None:
        return defaults
    replaced = {key: _first(getattr(profile, key), getattr(defaults, key)) for key in _REPLACED}
    merged = {key: {**getattr(defaults, key), **getattr(profile, key)} for key in _MERGED}
    machine = (
        defaults if profile.python is None and profile.image is None else profile
    )  # they exclude each other
    return SimpleNamespace(**replaced, **merged, python=machine.python, image=machine.image)


def filled(own: Mapping[str, Any], profile: Profile | None) -> dict[str, Any]:
    """Return a release's `own` keys, with those of its profile where it says nothing, before it is divided into nodes.

    `env`, `cache` and `runner` come to each node that may have them: they may give access.
    """
    if profile is None:
        return dict(own)
    found = {key: _first(own[key], getattr(profile, key)) for key in _REPLACED if key != "runner"}
    if own["python"] is None and own["image"] is None:
        found |= {"python": profile.python, "image": profile.image}
    return {**own, **found}


def _first(own: object, below: object) -> object:
    return below if own is None else own


def check_profile(spec: Spec, node: ResolvedNode, problems: Problems) -> None:
    """Note a profile that isn't there."""
    if node.spec.profile is not None and node.spec.profile not in spec.profiles:
        problems.unknown("profile", node.spec.profile, list(spec.profiles), (*node.loc, "profile"))
