"""Where the comments of a pull or merge request lie, on GitHub and on GitLab.

https://docs.github.com/rest/issues/comments and https://docs.gitlab.com/api/notes/#merge-requests
Standard library only: bundled into the emitted script.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from mlcc.report.findings import Run
from mlcc.runtime.platform import Platform
from mlcc.runtime.records import RunError
from mlcc.runtime.web import may_have_token, url_quoted

BOT = "github-actions[bot]"  # who a job's own token writes as
GITHUB_MOST, GITLAB_MOST = 65_536, 1_000_000  # of a comment; both count characters, and bytes are never fewer


class Forge(NamedTuple):
    """The comments of one request: `api` is what every address begins with.

    `comments` is the list, which new ones are posted to; `one` is followed by a comment's number; `verb` changes it.
    `author` is the key of who wrote one, `login` of the name there. `me`: the name that the token writes as; empty:
    `/user` tells.
    """

    api: str
    comments: str
    one: str
    verb: str
    author: str
    login: str
    me: str
    most: int


def forge_of(platform: Platform, run: Run) -> Forge:
    """Return where the run's pull request is. Raises RunError."""
    whose, api, project = platform.forge(run.fact("repository"))
    number = run.fact("pull_request")
    if whose == "github":
        return _safe(github(api, project, number, BOT))
    return _safe(gitlab(api, project, number) if whose == "gitlab" else by_address(api))


def github(api: str, repository: str, number: str, me: str = "") -> Forge:
    """Return the comments of a pull request, which is an issue, too."""
    owner, _, name = repository.partition("/")
    base = f"{api}/repos/{url_quoted(owner)}/{url_quoted(name)}/issues"
    return Forge(
        api,
        f"{base}/{_digits(number)}/comments",
        f"{base}/comments/",
        "PATCH",
        "user",
        "login",
        me,
        GITHUB_MOST,
    )


def gitlab(api: str, project: str, number: str) -> Forge:
    """Return the notes of a merge request; a project is its number, or its path."""
    notes = f"{api}/projects/{url_quoted(project)}/merge_requests/{_digits(number)}/notes"
    return Forge(api, notes, f"{notes}/", "PUT", "author", "username", "", GITLAB_MOST)


def by_address(url: str) -> Forge:
    """Return the comments of a request by the address of its page, which tells GitHub from GitLab. Raises RunError.

    GitHub's own interface has a host of its own, and that of GitHub Enterprise a path
    (https://docs.github.com/enterprise-server/rest/using-the-rest-api/getting-started-with-the-rest-api).
    """
    merge = re.fullmatch(r"(https?://[^/?#]+)/([^?#]+?)(?:/-)?/merge_requests/([0-9]+)", url)
    if merge:
        return gitlab(f"{merge[1]}/api/v4", merge[2], merge[3])
    pull = re.fullmatch(r"(https?://[^/?#]+)/([^/?#]+/[^/?#]+)/pull/([0-9]+)", url)
    if pull:
        host = "https://api.github.com" if pull[1] == "https://github.com" else f"{pull[1]}/api/v3"
        return github(host, pull[2], pull[3])
    raise RunError("this change request is neither GitHub's nor GitLab's, so it gets no comment")


def _digits(number: str) -> str:
    if not (number.isascii() and number.isdigit()):
        raise RunError("the CI system doesn't say which pull request this is")
    return number


def _safe(forge: Forge) -> Forge:
    if not may_have_token(forge.api):
        raise RunError("the forge's address isn't an https one, so it gets no token")
    return forge
