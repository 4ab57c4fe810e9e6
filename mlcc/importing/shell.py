"""Commands of a pipeline as one bash process: values reach them by variables, and what has no place stops them."""

from __future__ import annotations

import re
from collections.abc import Callable

from mlcc.load.source import HIDDEN

_INSTALLS = re.compile(
    r"(?:sudo )?(?:(?:python3? -m |uv )?pip3? install|(?:poetry|pdm|pipenv|uv) (?:install|sync)|conda (?:install|env)"
    r"|apt(?:-get)? (?:-\S+ )*(?:install|update)|apk add|npm ci|dnf install|yum install|pipx install)\b"
)
TEST_COMMAND = re.compile(r"(?:^|[\s;&|])(?:python3? -m )?(?:pytest|unittest|tox|nox)\b")
_SECRET_NAME = re.compile(
    r"TOKEN|SECRET|PASSWORD|PASSWD|CREDENTIAL|API_?KEY|PRIVATE|ACCESS_KEY|_KEY$|^KEY$|_PAT$"
)


def is_installation(command: str) -> bool:
    """Tell whether every line of a command installs something."""
    lines = [line.strip() for line in command.replace("\\\n", " ").splitlines()]
    lines = [line for line in lines if line and not line.startswith("#")]
    return bool(lines) and all(_INSTALLS.match(line) for line in lines)


def looks_secret(name: str) -> bool:
    """Tell whether a variable's name is one that people give to secrets."""
    return bool(_SECRET_NAME.search(name.upper()))


def visible(text: str) -> str:
    """Return text without what nobody sees: the spec refuses it. Spaces of other kinds become spaces."""
    return HIDDEN.sub(lambda match: " " if match[0].isspace() else "", text)


def stop(reason: str) -> str:
    """Return a command that fails with a reason: instead of something that the spec can't say."""
    said = re.sub(r"[^\w .,:;/()=-]", "?", visible(reason).replace("\n", " "))[:160]
    return f"echo 'not imported: {said}' >&2; exit 1"


def with_variables(command: str, pattern: re.Pattern[str], name_of: Callable[[str], str]) -> str:
    """Replace what matches (its first group) by `${NAME}`, so that single quotes around it don't keep the shell from it."""
    found: list[str] = []
    quote, position = "", 0
    while position < len(command):
        match = pattern.match(command, position)
        if match:
            variable = f"${{{name_of(match[1].strip())}}}"
            found.append(f"'\"{variable}\"'" if quote == "'" else variable)
            position = match.end()
            continue
        char = command[position]
        step = 1
        if char == "\\" and quote != "'":
            step = 2
        elif char == "#" and not quote and (position == 0 or command[position - 1].isspace()):
            step = (command.find("\n", position) + 1 or len(command) + 1) - position - 1
            comment = command[position : position + max(step, 1)]
            found.append(pattern.sub("…", comment))
            position += len(comment)
            continue
        elif char in "'\"" and quote in ("", char):
            quote = "" if quote else char
        found.append(command[position : position + step])
        position += step
    return "".join(found)


def in_folder(command: str, folder: str) -> str:
    """Return a command that runs in another folder, and leaves the shell where it was."""
    quoted = folder if re.fullmatch(r"[\w./-]+", folder) else "'" + folder.replace("'", "'\\''") + "'"
    return f"(\n  cd {quoted}\n{command}\n)" if "\n" in command else f"(cd {quoted} && {command})"


def export(name: str, text: str) -> str:
    """Return the line that sets a variable from text with `${NAME}` in it."""
    kept = re.sub(r'(["\\`]|\$(?!\{[A-Za-z_]))', r"\\\1", text)
    return f'export {name}="{kept}"'
