"""Hostile strings: each makes a file named CANARY-NUMBER (see `CANARY`) where something takes it for more than text.

Templates break out of one language each; their `@` stands for a payload of the same or of another language, and `#N`
for the string's number. Made by a seeded generator, so that a number always means the same string.
"""

from __future__ import annotations

import os
import random
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

CANARY = "canary-"
NUMBER = re.compile(rf"{CANARY}(\d{{5}})")
FUZZ = os.environ.get("MLCC_TEST_FUZZ") == "1"
COUNT = 12_000 if FUZZ else 2_200
LONG = 3_000  # characters, about

SHELL = (
    "touch #N", ">#N", ": > #N", "echo x>#N", "cp /dev/null #N", "mkdir #N", "ln -s x #N", "tee #N </dev/null",
    "python3 -c 'open(\"#N\",\"w\")'", "sh -c \"touch #N\"", "bash -c 'touch #N'", "touch${IFS}#N", "{ touch #N; }",
    "(touch #N)", "env touch #N", "command touch #N", "exec touch #N", "eval touch #N", "touch '#N'", "dd of=#N",
    "printf x | tee #N", "xargs touch #N <&-", "nohup touch #N &", "touch -- #N", "install /dev/null #N",
)  # fmt: skip
PYTHON = ("open('#N','w')", "__import__('os').system('touch #N')", "__import__('pathlib').Path('#N').touch()")
GROOVY = (
    "new File('#N').createNewFile()",
    "'touch #N'.execute()",
    'new File("#N") << 1',
    "['touch','#N'].execute()",
)
SQL = (
    "COPY (SELECT 1) TO '#N'", "ATTACH '#N' AS a", "EXPORT DATABASE '#N'", "COPY data TO '#N' (FORMAT csv)",
    "SELECT 1 INTO OUTFILE '#N'", "CREATE TABLE t AS SELECT * FROM write_blob('#N')",
)  # fmt: skip

# Family -> (payloads, templates). In templates: @ a payload, ~ a separator of commands.
FAMILIES: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "shell": (SHELL, (
        "$(@)", "`@`", "~@", "~@~", "x~@", "x~@~x", "'~@~'", '"~@~"', "'\"~@~\"'", "\"'~@~'\"", "\"$(@)\"", "'$(@)'",
        "$(@)'", "\"$(@)", "'`@`", "\\'~@~#", '\\"~@~#', "\\$(@)", "\\\\$(@)", "\\`@`", "${x:-$(@)}", "${x:=`@`}",
        "$((a[$(@)]))", "$[$(@)]", "<(@)", ">(@)", "| @", "|& @", "|| @", "&& @", "& @ &", "! @", "x\n@", "\n@\n",
        "x\n\t@", "x\n  @\n", "EOF\n@", "x\nEOF\n@\n", "'\n@\n'", "\"\n@\n\"", ")\n@\n(", "}\n@\n{", "# x\n@", "\\\n@",
        "; if :; then @; fi", "; for x in 1; do @; done", "; x=$(@)", "'; trap '@' EXIT; '", "$'\\n'$(@)",
        "x$'~@~'", "\";@;: \"", "';@;: '", "*$(@)*", "~/$(@)", "{a,$(@)}", "[$(@)]", "?`@`", "()  { :; }; @", "x && (@)",
        "done; @", "fi; @", "esac; @", ";;@;;", "%s$(@)", "@", "@ #", "\t@", " @ ", "'\\''~@~'\\''", "'\"'\"'~@~'\"'\"'",
    )),
    "argument": (SHELL, (
        "--output=$(@)", "-o `@`", "-c @", "-e $(@)", "--exec=@", "--rcfile=$(@)", "-- ~@", "-~@", "--help~@", "-x $(@) -",
        "--upload-pack=@", "-oProxyCommand=@", "--checkpoint-action=exec=@", "--init-file `@`", "-I{} $(@)",
    )),
    "github": (SHELL, (
        "${{ github.token }}$(@)", "${{ '$(@)' }}", "${{ format('{0}', '~@') }}", "${{ toJSON(secrets) }}~@", "${{~@}}",
        "$ {{ x }}~@", "}}~@ ${{ x", "x }} && @", "$\\{{ x }}$(@)", "$${{ x }}`@`", "{{ x }}$(@)", "' || '$(@)", "'' }}~@",
        "%24%7B%7B x %7D%7D$(@)", "${ { x } }$(@)", "${{\n'$(@)'\n}}", "*${{ runner.temp }}*$(@)",
    )),
    "command": (SHELL, (
        "::add-path::$(@)", "::set-env name=BASH_ENV::$(@)", "::set-output name=skip::~@", "::save-state name=x::`@`",
        "::stop-commands::$(@)", "::add-mask::$(@)", "::error file=x,line=1::$(@)", "::group::x~@", "x\n::add-path::.~@",
        "##[add-path]$(@)", "##[set-output name=deny]~@", "x ##[error]$(@)", "##vso[task.setvariable variable=PATH]$(@)",
        "%0A::add-path::$(@)", "\n::set-env name=PATH::.~@\n", " ::debug::$(@)", "x<<EOF\n$(@)\nEOF", "BASH_ENV=$(@)",
        "BASH_ENV<<ghadelimiter_1\n$(@)\nghadelimiter_1\n", "ghadelimiter_1\nBASH_ENV=`@`", "\nskip=,a,\n~@",
        "section_start:0:x~@", "[Pipeline] sh\n+ @", "::notice::%0A%0D$(@)",
    )),
    "gitlab": (SHELL, (
        "$CI_JOB_TOKEN$(@)", "${CI_COMMIT_REF_NAME}~@", "$$(@)", "$$HOME~@", "$$$(@)", "${CI_X:-$(@)}", "%CI_X%~@",
        "$[[ inputs.x ]]~@", "$[[ inputs.x | expand_vars ]]$(@)", "[[ x ]]`@`", "!reference [x, script]~@", "$(@)$CI_X",
        "x\nscript: ['@']", "$CI_X =~ /.*/ ~@", "/^$/~@", "include: {local: x}\n$(@)", "${{CI_X}}$(@)", "$1~@", "$@$(@)",
    )),
    "groovy": (GROOVY, (
        "' + @ + '", "\" + @ + \"", "'; @; '", "\"; @; \"", "'''; @; '''", '"""; @; """', "/; @; /", "/$; @; $/", "${@}",
        "$${@}", "${-> @}", "\\${@}", "\\u0027; @; \\u0027", "\\u0022; @; \\u0022", "\\\\u0027; @; //", "\\'; @; //",
        "\\u005c'; @; //", "\\uu0027; @; \\uuu0027", "*/ @ /*", "\\u002a\\u002f @ \\u002f\\u002a", "\n@\n", "'\n@\n'",
        "\\\n'; @; '", "$'; @; '", "']); @; ([x: '", "'] as List; @; ['", "// \\u000a @", "x', y: @, z: '", "'.plus(@)+'",
        "@Grab('x:y:1')\n@", "#!groovy\n@", "'; evaluate('@'); '", "$/; @; /$", "'\\u000a@\\u000a'",
    )),
    "yaml": (SHELL, (
        "x\n  run: @", "\"\n- run: @", "'\nrun: @\n", "&a @", "*a~@", "!!python/object/apply:os.system ['@']", "!x $(@)",
        "!<tag:yaml.org,2002:python/object/apply:os.system> ['@']", "|\n  @", ">-\n @", "x: {run: '@'}", "x # ~@", "# @",
        "] @", "}, run: '@'", "---\nrun: @", "...\n---\n- @", "%TAG ! tag:x,2000:\n--- @", "? @", "<<: *x\n@", "- @", "- - @",
        "%@", ": @", "? [@", "{run: @", "[@", ", @", "x: |\n  @", "'': @", "\"\": @", "x\x85run: @", "yes~@", "~ ~@",
        "'x': @", "null # @", "0x1f~@", "1:30~@", "=~@", "\\x22\\x0arun: @", "\\N@", "@ :", "x:\n- @\n",
    )),
    "json": (SHELL, (
        '", "run": ["@"], "x": "', '\\", "run": "@', '"}], "x": [{"run": "@', '\\u0022, "run": "@"', "</script>$(@)",
        '"}}\n$(@)', '{"run": "@"}', '["@"]', '\\\\", "run": "@', "\\u0000$(@)", '"\x08$(@)', '": 1, "run": "@',
    )),
    "sql": (SQL, (
        "'; @; --", '"; @; --', "'); @; --", '"); @; --', '" FROM data; @; --', "' OR 1=1; @; --", "\\'; @; --", "''; @; --",
        'x" AS "y"; @; --', "/* */; @; /*", "$$; @; $$", "E'\\'; @; --", "; @;", "); @; SELECT (", "x\"; @ --\n", "@", "@;",
        "(@)", "') FROM (@", "'||(@)||'", '"."x"; @; --', "]; @; --", "x'\n; @\n; '", "[x]; @", "{fn x}; @", "1; @; --",
        "' UNION SELECT 1; @; --", ".read |@",
    )),
    "duckdb": (SHELL, (
        ".shell @", "\n.shell @\n", ".system @", "\n.output |@\n", "read_csv('@|')", "'; INSTALL shellfs; FROM '@ |'; --",
        "'; FROM read_text('| @'); --", "; \n.sh @", "getenv('X')~@",
    )),
    "markdown": (SHELL, (
        "| @ |", "x | $(@)", "</td><script>@</script>", "<img src=x onerror='@'>", "[x](javascript:@)", "![$(@)](x)",
        "```\n@\n```", "</details>$(@)", "\\| @", "|---|\n| @ |", "# @", "<!-- @ -->", "x\n\n@", "<a href='x'>$(@)</a>",
        "&lt;$(@)", "&#124; @", "$\\color{red}{@}$", "~~@~~", "@everyone $(@)", "<details open>@", "]]>$(@)", "<?php `@`?>",
        "https://x.example/?$(@)", "\u2028| @ |", "- [ ] @", "> @", "1. @", "***\n@\n***",
    )),
    "python": (PYTHON, (
        "{0.__class__}' + @ + '", "{x!r}; @", "%(x)s'; @; '", "%s'; @ #", "{@}", "{{@}}", "' + str(@) + '", '" + str(@) + "',
        "'; @; '", "'''; @; '''", '"""; @; """', "\\'; @ #", "\n@\n", "\\N{BULLET}'; @; '", "f'{@}'", "'%x' % @", "\\x27; @ #",
        "); @ #", "]; @ #", "cos\nsystem\n(@", "x=@", "lambda: @", "!{@}", "{0[@]}", "@",
    )),
    "jinja": (PYTHON, (
        "{{ cycler.__init__.__globals__.os.system('touch #N') }}", "{{ @ }}", "{% for x in [1] %}{{ @ }}{% endfor %}",
        "{% set x = @ %}", "{# x #}{{ @ }}", "{%- raw -%}{{ @ }}", "{{ ''.__class__.__mro__ }}{{ @ }}", "}}{{ @ }}",
        "{% endraw %}{{ @ }}", "{{ lipsum.__globals__['os'].popen('touch #N') }}", "# for x in [@]", "{%\n@\n%}",
    )),
    "xml": (SHELL, (
        "<!ENTITY x SYSTEM 'file:///x'>$(@)", "\"/><x y=\"$(@)", "]]><![CDATA[$(@)", "&x;$(@)", "<?xml version='1.0'?>`@`",
        "'><testcase name='@", "<!DOCTYPE x [<!ENTITY y '@'>]>",
    )),
    "glob": (SHELL, (
        "*~@", "?~@", "**/*$(@)", "[a-z]*`@`", "{a,b}$(@)", "~root/$(@)", "~+~@", "!*~@", "?(x)$(@)", "@(x|$(@))", "*\\*$(@)",
        "src/*$(@)", "src/**/`@`", "data/?$(@)",
    )),
    "path": (SHELL, (
        "a/$(@)", "a/`@`", "a b/$(@)", "a;@", "a&@&", "a|@", "a'~@~'", 'a"~@~"', "a/../$(@)", "../$(@)", "/tmp/$(@)", "./$(@)",
        "a//$(@)", "-$(@)", "~/$(@)", "a\\$(@)", "C:$(@)", ".git/$(@)", "_mlcc/$(@)", ".mlcc/$(@)", "a/$(@)/", "a/.$(@)",
        "%2e%2e/$(@)", "a\t$(@)", "a/$(@).csv", "e\u0301/$(@)", "\u00e9/$(@)", "a/<$(@)>", "a=$(@)", "a,$(@)", "a@$(@)",
    )),
    "unicode": (SHELL, (
        "\uff1b@", "\uff40@\uff40", "\uff04(@)", "\u2018; @; \u2019", "\u201c~@~\u201d", "\u02bc~@~\u02bc", "\u037e@",
        "$\uff08@\uff09", "\uff5c @", "\u200b$(@)", "\u202e$(@)\u202c", "\u2028@", "\u2029@", "\u00a0~@", "\ufeff$(@)",
        "\u0430$(@)", "\u00e9$(@)", "\U0001f600`@`", "\U0001d4b3~@", "e\u0301$(@)", "\u1680@", "\u3000@", "\u2400$(@)",
        "\u0660~@", "\uff07~@~\uff07", "\uff02$(@)", "\u2216'~@", "\ufe0f$(@)", "\U000e0041$(@)", "\ud7a3$(@)", "\ufffd`@`",
    )),
    "control": (SHELL, (
        "\x00~@", "\x1b]0;@\x07", "\x1b[2J$(@)", "\r\n@\r\n", "\r@", "\x08\x08$(@)", "\x7f$(@)", "\x0b@", "\x0c@", "\x85@",
        "\x04@", "\x1a@", "\x9b31m$(@)", "x\x00\n@",
    )),
    "long": (SHELL, ("A$(@)", "'~@", "\n@", "`@`", "x ~@~")),
    "end": (SHELL, ("~@\\", "~@\n", "$(@) ", "~@\t", "~@\\\n", "~@'", '~@"', "~@`", "~@$", "~@&", "~@;", "~@\n\n")),
}  # fmt: skip
SEPARATORS = ("; ", ";", " && ", " || ", " | ", " & ", "\n", ";\n", " ; ")


@dataclass(frozen=True, slots=True)
class Hostile:
    """One string, its number and the family that it belongs to."""

    number: int
    family: str
    text: str


def corpus(count: int = COUNT, seed: int = 2026) -> tuple[Hostile, ...]:
    """Return `count` distinct strings; every template is there at least once."""
    made = _strings(random.Random(seed))
    return tuple(next(made) for _ in range(count))


def _strings(draw: random.Random) -> Iterator[Hostile]:
    """Yield strings without end: all templates in turn, with other payloads and separators each time."""
    templates = [(family, template) for family, (_, found) in FAMILIES.items() for template in found]
    number = 0
    while True:
        for family, template in templates:
            payload = draw.choice(FAMILIES[family][0])
            text = (
                template.replace("~", draw.choice(SEPARATORS)) if family not in ("glob", "path") else template
            )
            # The last `@`: a template may hold one as a sign of its own language.
            before, _, after = text.rpartition("@") if text.count("@") else (text, "", "")
            text = f"{before}{payload if '@' in text else ''}{after}".replace("#N", f"{CANARY}{number:05}")
            yield Hostile(number, family, _lengthened(text, draw) if family == "long" else text)
            number += 1


def _lengthened(text: str, draw: random.Random) -> str:
    half = "".join(draw.choice(("A", "ab ", "$x ", "'q' ", "\\ ", "é")) for _ in range(LONG // 4))
    return f"{half}{text}{half}"


def canaries(*folders: Path) -> list[str]:
    """Return the canaries below some folders."""
    return [str(path) for folder in folders for path in folder.rglob(f"{CANARY}*")]


def number_of(text: str) -> int:
    """Return the number of the string that a text holds."""
    found = NUMBER.search(text)
    assert found is not None, text
    return int(found[1])
