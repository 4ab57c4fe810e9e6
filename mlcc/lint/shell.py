"""Splits a shell script into its simple commands: enough of the grammar to look for mistakes.

Quotes, escapes, comments, here-documents, pipes, lists, groups and substitutions are told apart; nothing is
expanded. The text is untrusted, so it is read in one pass without backtracking.
"""

from __future__ import annotations

import re

from mlcc.record import record

_PLAIN = re.compile(r"[^\s'\"\\`$()|;&<>#]+")
_QUOTED = re.compile(r"[^\"\\`$]+")
_OPERATORS = ("||", "&&", "|&", ";;", "|", ";", "&", "\n")
_HEREDOC = r"<<(-?)[ \t]*(?:'([^'\n]+)'|\"([^\"\n]+)\"|([^\s'\"<>|;&()]+))"
_EXPANSION = r"\$\{?([A-Za-z_]\w*)"  # compiled when it is needed: most specs don't
_DEEPEST = 40  # substitutions in substitutions; what lies deeper is read as text
_KEYWORDS = frozenset({
    "if", "then", "elif", "else", "fi", "while", "until", "for", "in", "do", "done", "case", "esac", "!", "{",
    "}", "time",
})  # fmt: skip
_WRAPPERS = frozenset({"sudo", "exec", "command", "nohup", "nice", "env", "time"})


@record
class Simple:
    """A simple command: its words with their quotes, and the operator after it ('' at the end).

    `inside` is the program in whose substitution this stands, '' outside of any.
    """

    words: tuple[str, ...]
    after: str
    inside: str

    @property
    def program(self) -> tuple[str, ...]:
        """The words from the program's name on, unquoted: without assignments, keywords, sudo and the like."""
        words = [bare(word) for word in self.words]
        return tuple(words[program_index(words) :])


def program_index(words: list[str]) -> int:
    """Return the position of the program's name among the words of a simple command."""
    start = 0
    while start < len(words) and (
        words[start] in _KEYWORDS
        or words[start] in _WRAPPERS
        or _is_assignment(words[start])
        or (start and words[start - 1] in _WRAPPERS and words[start].startswith("-"))
    ):
        start += 1
    return start


def _is_assignment(word: str) -> bool:
    name, sign, _ = word.partition("=")
    return bool(sign) and name.removesuffix("+").isidentifier()


def bare(word: str) -> str:
    """Return a word without its quotes."""
    return word.replace("'", "").replace('"', "") if "'" in word or '"' in word else word


def expansions(word: str) -> list[str]:
    """Return the names of the variables whose values the shell puts into a word."""
    if "$" not in word:
        return []
    visible: list[str] = []
    at, quoted = 0, False
    while at < len(word):
        char = word[at]
        if char == "\\":
            at += 1
        elif char == "'" and not quoted:
            end = word.find("'", at + 1)
            at = end if end >= 0 else len(word)
        elif char == '"':
            quoted = not quoted
        else:
            visible.append(char)
        at += 1
    return re.findall(_EXPANSION, "".join(visible))


def split(text: str) -> tuple[Simple, ...]:
    """Return the simple commands of a script, in the order in which they end."""
    return _Splitter(text).run()


_Frame = tuple["list[str]", "list[str] | None", bool, str]
"""What is left open while a substitution or a group is read: words, word, quoted, and the opener ($(, ` or ()."""


class _Splitter:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.quoted = False  # between double quotes
        self.found: list[Simple] = []
        self.words: list[str] = []
        self.word: list[str] | None = None
        self.frames: list[_Frame] = []
        self.heredocs: list[tuple[str, bool]] = []

    def run(self) -> tuple[Simple, ...]:
        while self.at < len(self.text):
            self._step()
        self._end("")
        while self.frames:
            self._close()
            self._end("")
        return tuple(self.found)

    def _step(self) -> None:
        char = self.text[self.at]
        plain = (_QUOTED if self.quoted else _PLAIN).match(self.text, self.at)
        if plain:
            self._add(plain.group())
        elif char == '"':
            self.quoted = not self.quoted
            self._add(char)
        elif self.text.startswith("\\\n", self.at):
            self._skip(2)
        elif char == "\\":
            self._add(self.text[self.at : self.at + 2])
        elif self.text.startswith("$(", self.at):
            self._open("$(", 2)
        elif char == "`":
            self._backtick()
        elif self.quoted:
            self._add(char)
        else:
            self._unquoted(char)

    def _unquoted(self, char: str) -> None:
        if char == "'":
            end = self.text.find("'", self.at + 1)
            self._add(self.text[self.at : end + 1] if end >= 0 else self.text[self.at :])
        elif self.text.startswith(("<(", ">("), self.at):
            self._open("$(", 2)
        elif char == "(":
            self._end("(")
            self._open("(", 1)
        elif char == ")":
            self._parenthesis()
        elif char == "#" and self.word is None:
            end = self.text.find("\n", self.at)
            self.at = end if end >= 0 else len(self.text)
        elif char in "|;&\n":
            self._operator()
        elif char.isspace():
            self._skip(1)
        elif char in "<>":
            self._redirect()
        else:
            self._add(char)

    def _add(self, piece: str) -> None:
        if self.word is None:
            self.word = []
        self.word.append(piece)
        self.at += len(piece)

    def _skip(self, length: int) -> None:
        if not self.quoted:
            self._finish_word()
        self.at += length

    def _open(self, opener: str, length: int) -> None:
        if len(self.frames) == _DEEPEST:
            self._add(self.text[self.at : self.at + length])
            return
        self.frames.append((self.words, self.word, self.quoted, opener))
        self.words, self.word, self.quoted = [], None, False
        self.at += length

    def _close(self) -> None:
        self.words, self.word, self.quoted, opener = self.frames.pop()
        if opener != "(":
            self.word = self.word or []
            self.word.append("$()")

    def _parenthesis(self) -> None:
        self._end(")")
        if self.frames and self.frames[-1][3] != "`":
            self._close()
        self.at += 1

    def _backtick(self) -> None:
        if self.frames and self.frames[-1][3] == "`":
            self._end("")
            self._close()
            self.at += 1
        else:
            self._open("`", 1)

    def _operator(self) -> None:
        operator = next(o for o in _OPERATORS if self.text.startswith(o, self.at))
        self._end(operator)
        self.at += len(operator)
        if operator == "\n" and self.heredocs:
            self._skip_heredocs()

    def _redirect(self) -> None:
        self._finish_word()
        heredoc = None if self.text.startswith("<<<", self.at) else self._heredoc()
        if heredoc:
            self.heredocs.append((heredoc[2] or heredoc[3] or heredoc[4], bool(heredoc[1])))
            self.at = heredoc.end()
            return
        operators = ("<<<", ">>", ">|", ">&", "<&", "<", ">")
        operator = next(o for o in operators if self.text.startswith(o, self.at))
        self.words.append(operator)
        self.at += len(operator)

    def _heredoc(self) -> re.Match[str] | None:
        if not self.text.startswith("<<", self.at):
            return None
        return re.compile(_HEREDOC).match(self.text, self.at)

    def _skip_heredocs(self) -> None:
        for word, tabs in self.heredocs:
            while self.at < len(self.text):
                end = self.text.find("\n", self.at)
                line = self.text[self.at : end if end >= 0 else len(self.text)]
                self.at = end + 1 if end >= 0 else len(self.text)
                if (line.lstrip("\t") if tabs else line) == word:
                    break
        self.heredocs = []

    def _finish_word(self) -> None:
        if self.word is not None:
            self.words.append("".join(self.word))
            self.word = None

    def _end(self, operator: str) -> None:
        self._finish_word()
        if self.words:
            self.found.append(Simple(tuple(self.words), operator, self._inside()))
        self.words = []

    def _inside(self) -> str:
        for words, _, _, _ in reversed(self.frames):
            index = program_index([bare(word) for word in words])
            if index < len(words):
                return bare(words[index])
        return ""
