"""Patterns of paths, branches and tags. One definition for the compiler and for the emitted scripts.

Matching takes time in proportion to the pattern and the name: a regular expression with many wildcards could be
made to take for ever by whoever writes the spec or names a file.
Standard library only: bundled into the emitted script.
"""

from __future__ import annotations

# No re and no functools: a gate that judges two numbers would take longer to import them than for all else.
STAR, DEEP, FOLDERS, ONE = "*", "**", "**/", "?"
_LONGEST_FIRST = (FOLDERS, DEEP, STAR, ONE)
_MOST_MACHINES = 4096
_MACHINES: dict[tuple[str, bool], Machine] = {}


def path_matches(pattern: str, path: str) -> bool:
    """Tell whether a changed path belongs to a pattern.

    `src/` is everything below; `a.csv` is that file, or everything below a folder of that name; `*` and `?`
    stay within one part of the path, `**` crosses parts, and a folder that they name counts with all that is in
    it. Both are posix paths relative to the same folder.
    """
    bare = pattern.rstrip("/")
    if not path.startswith(bare.partition(STAR)[0].partition(ONE)[0]):
        return False
    below = _accepts(_machine(bare, below=True), path)
    return below if pattern.endswith("/") else below or name_matches(bare, path)


def name_matches(pattern: str, name: str) -> bool:
    """Tell whether a branch or tag belongs to a pattern: `*` doesn't cross `/`, `**` does."""
    return _accepts(_machine(pattern), name)


def _accepts(machine: Machine, name: str) -> bool:
    states = machine.arrive(1)
    for char in name:
        states = machine.step(states, char)
        if not states:
            return False
    return bool(states & machine.end)


def tokens_of(pattern: str) -> list[str]:
    """Return a pattern as wildcards and single characters. `**/` is any number of folders, also none."""
    tokens: list[str] = []
    start = 0
    while start < len(pattern):
        tokens.append(next((w for w in _LONGEST_FIRST if pattern.startswith(w, start)), pattern[start]))
        start += len(tokens[-1])
        if len(tokens) > 1 and tokens[-2] in (DEEP, FOLDERS) and tokens[-1] in (STAR, DEEP, FOLDERS):
            last = tokens.pop()
            if tokens[-1] == FOLDERS and last == STAR:
                tokens.append(last)
            elif last == DEEP:
                tokens[-1] = DEEP  # what crosses parts takes in its neighbours
    return tokens


class Machine:
    """A pattern as an automaton. A set of states is an integer: bit n says that n tokens are done with."""

    def __init__(self, tokens: list[str]) -> None:
        self.end = 1 << len(tokens)
        self._at: dict[str, int] = {}
        for number, token in enumerate(tokens):
            self._at[token] = self._at.get(token, 0) | 1 << number
        self._star, self._deep = self._at.pop(STAR, 0), self._at.pop(DEEP, 0)
        self._folders, self._one = self._at.pop(FOLDERS, 0), self._at.pop(ONE, 0)

    def arrive(self, states: int) -> int:
        """Return the states that are reached without a further character: wildcards may stand for nothing."""
        for _ in range(2):  # no more than two such wildcards stand side by side
            states |= (states & (self._star | self._deep | self._folders)) << 1
        return states

    def step(self, states: int, char: str) -> int:
        """Return the states after a character."""
        inside = states & self._folders  # within a folder's name the next token can't begin
        entered = (states & self._at.get(char, 0)) << 1 | states & self._deep
        if char == "/":
            entered |= inside << 1
        else:
            entered |= (states & self._one) << 1 | states & self._star
        return self.arrive(entered) | inside


def _machine(pattern: str, below: bool = False) -> Machine:
    """Return a pattern's automaton, made once: a pattern meets many names."""
    if len(_MACHINES) >= _MOST_MACHINES:
        _MACHINES.clear()
    found = _MACHINES.get((pattern, below))
    if found is None:
        found = Machine([*tokens_of(pattern), "/", DEEP] if below else tokens_of(pattern))
        _MACHINES[pattern, below] = found
    return found


def from_root_of(home: str, pattern: str) -> str:
    """Return a source of a node as a pattern from the repository's root. `home` is the project's folder with a '/'."""
    return pattern[2:] if pattern.startswith("//") else home + pattern
