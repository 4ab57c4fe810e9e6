"""The actions that compiled workflows use: tag and commit, as read from the actions' own repositories.

A repository's lock goes before this table.
"""

from __future__ import annotations

from mlcc.record import record


@record
class Action:
    """An action at one commit. `tag` and `date` (of the commit) are for people and update bots."""

    name: str
    commit: str
    tag: str
    date: str

    @property
    def reference(self) -> str:
        """Return the text of `uses`."""
        return f"{self.name}@{self.commit}"

    @property
    def repository(self) -> str:
        """Return the repository that holds the action, as OWNER/NAME: all of its actions are pinned together."""
        return repository_of(self.name)


def repository_of(name: str) -> str:
    """Return the repository of an action, which may lie in a folder there (`actions/cache/restore`)."""
    return "/".join(name.split("/")[:2])


CHECKOUT = Action("actions/checkout", "3d3c42e5aac5ba805825da76410c181273ba90b1", "v7.0.1", "2026-07-17")
UPLOAD = Action("actions/upload-artifact", "bbbca2ddaa5d8feaa63e36b76fdaad77386f024f", "v7.0.0", "2026-02-25")
DOWNLOAD = Action(
    "actions/download-artifact", "3e5f45b2cfb9172054b4087a40e8e0b5a5461e7c", "v8.0.1", "2026-03-11"
)
CACHE_RESTORE = Action(
    "actions/cache/restore", "27d5ce7f107fe9357f9df03efb73ab90386fccae", "v5.0.5", "2026-04-13"
)
CACHE_SAVE = Action("actions/cache/save", "27d5ce7f107fe9357f9df03efb73ab90386fccae", "v5.0.5", "2026-04-13")
SETUP_PYTHON = Action(
    "actions/setup-python", "5fda3b95a4ea91299a34e894583c3862153e4b97", "v7.0.0", "2026-07-19"
)

ACTIONS = (CHECKOUT, UPLOAD, DOWNLOAD, CACHE_RESTORE, CACHE_SAVE, SETUP_PYTHON)
SHIPPED = {action.repository: action for action in ACTIONS}
"""Repository -> an action of it, as this version of mlcc pins it."""
