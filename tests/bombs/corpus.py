"""Hostile specs: name -> (bytes, code that the loader must report for them)."""

from __future__ import annotations

KIB = 1024
Case = tuple[bytes, str]


def corpus() -> dict[str, Case]:
    """Return every case, generated afresh."""
    cases: dict[str, Case] = {}
    for family in (
        _nesting,
        _references,
        _tags,
        _documents,
        _keys,
        _scalars,
        _characters,
        _encodings,
        _sizes,
        _syntax,
    ):
        for name, case in family().items():
            assert name not in cases, name
            cases[name] = case
    return cases


def _text(cases: dict[str, tuple[str, str]]) -> dict[str, Case]:
    return {name: (text.encode(), code) for name, (text, code) in cases.items()}


def _nesting() -> dict[str, Case]:
    cases: dict[str, tuple[str, str]] = {}
    for depth in (33, 200, 5_000, 100_000):
        code = "too-large" if depth > 20_000 else "too-deep"
        cases[f"flow-lists-{depth}"] = ("a: " + "[\n " * depth + "]\n" * depth, code)
        cases[f"flow-lists-unclosed-{depth}"] = ("a: " + "[\n " * depth, code)
        cases[f"flow-mappings-{depth}"] = ("a: " + "{a:\n " * depth + "}\n" * depth, code)
        cases[f"flow-mixed-{depth}"] = ("a: " + "[{a:\n " * depth, code)
    cases["flow-lists-one-line"] = ("a: " + "[" * 16_000, "too-deep")
    cases["flow-mappings-one-line"] = ("a: " + "{a: " * 4_000, "too-deep")
    cases["block-lists-one-line"] = ("a:\n " + "- " * 8_000, "too-deep")
    cases["block-lists-root"] = ("- " * 8_000 + "x", "too-deep")
    cases["explicit-keys-one-line"] = ("? " * 8_000, "too-deep")
    cases["block-mappings"] = ("".join(" " * n + "a:\n" for n in range(500)), "too-deep")
    cases["block-lists"] = ("a:\n" + "".join(" " * n + "-\n" for n in range(1, 500)), "too-deep")
    cases["keys-that-nest"] = ("? " + "[" * 100 + "a", "too-deep")
    cases["closers-only"] = ("a: " + "]" * 16_000, "not-yaml")
    cases["possible-keys"] = ("a: " + "[a" * 5_000, "not-yaml")
    return _text(cases)


def _references() -> dict[str, Case]:
    laughs = "a0: &a0 [lol]\n" + "".join(
        f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 10)
    )
    maps = "a0: &a0 {k: v}\n" + "".join(f"a{n}: &a{n} {{x: *a{n - 1}, y: *a{n - 1}}}\n" for n in range(1, 30))
    merge = "a0: &a0 {k: v}\n" + "".join(f"a{n}: &a{n}\n  <<: [*a{n - 1}, *a{n - 1}]\n" for n in range(1, 25))
    return _text(
        {
            "billion-laughs": (laughs, "alias"),
            "billion-laughs-mappings": (maps, "alias"),
            "merge-doubling": (merge, "merge-key"),
            "merge-nothing": ("<<: {}\n", "merge-key"),
            "quadratic-blow-up": ("a: &a " + "x" * 15_000 + "\nb: [" + "*a,\n" * 9_000 + "]", "alias"),
            "own-ancestor": ("a: &a [*a]\n", "alias"),
            "undefined-alias": ("a: *b\n", "alias"),
            "alias-as-key": ("a: &x k\n*x : v\n", "alias"),
            "anchor-on-a-key": ("&x a: b\n", "anchor"),
            "anchor-on-the-root": ("&x\na: b\n", "anchor"),
            "anchors": ("".join(f"a{n}: &x{n} b\n" for n in range(5_000)), "anchor"),
            "anchor-of-nothing": ("a: &x\nb: c\n", "anchor"),
            "anchor-without-name": ("a: &\n", "not-yaml"),
            "alias-without-name": ("a: *\n", "not-yaml"),
            "long-anchor": ("a: &" + "x" * 16_000 + " b\n", "anchor"),
        }
    )


def _tags() -> dict[str, Case]:
    tags = (
        "!!python/object/apply:os.system [id]",
        "!!python/name:os.system",
        "!!binary aGk=",
        "!!set {a, b}",
        "!!omap [a: b]",
        "!!timestamp 2001-01-01",
        "!!float 1",
        "!!str 1",
        "!local x",
        "! x",
        "!<tag:yaml.org,2002:int> 1",
        "!undefined!x y",
        "!<tag:%c3%28> x",
        "!" + "x" * 10_000 + " y",
    )
    cases = {f"tag-{n}": (f"a: {tag}\n", "tag") for n, tag in enumerate(tags)}
    cases["tag-on-the-root"] = ("!!map\na: b\n", "tag")
    cases["tag-on-a-key"] = ("!!str a: b\n", "tag")
    cases["directive-yaml"] = ("%YAML 1.1\n---\na: b\n", "directive")
    cases["directive-yaml-9"] = ("%YAML 9.9\n---\na: b\n", "directive")
    cases["directive-huge-version"] = ("%YAML 1." + "9" * 5_000 + "\n---\na: b\n", "directive")
    cases["directive-tag"] = ("%TAG ! tag:evil,2000:\n---\na: !x b\n", "directive")
    cases["directive-unknown"] = ("%FOO bar\n---\na: b\n", "directive")
    cases["directives"] = ("%FOO bar\n" * 10_000 + "---\na: b\n", "directive")
    cases["directive-late"] = ("a: b\n...\n%YAML 1.1\n---\nc: d\n", "directive")
    return _text(cases)


def _documents() -> dict[str, Case]:
    return _text(
        {
            "empty": ("", "empty-document"),
            "blank": ("\n \n", "empty-document"),
            "comment-only": ("# nothing\n", "empty-document"),
            "marker-only": ("---\n", "empty-document"),
            "end-marker-only": ("...\n", "not-yaml"),
            "null": ("null\n", "not-a-mapping"),
            "text": ("hello\n", "not-a-mapping"),
            "quoted-nothing": ('""\n', "not-a-mapping"),
            "number": ("1\n", "not-a-mapping"),
            "list": ("- a\n- b\n", "not-a-mapping"),
            "empty-list": ("[]\n", "not-a-mapping"),
            "two-documents": ("a: b\n---\nc: d\n", "several-documents"),
            "document-after-the-end": ("a: b\n...\nc: d\n", "several-documents"),
            "empty-second": ("a: b\n---\n", "several-documents"),
            "many-documents": ("---\na: b\n" * 9_000, "several-documents"),
            "content-after-the-end-marker": ("a: b\n... x\n", "not-yaml"),
        }
    )


def _keys() -> dict[str, Case]:
    bad = (
        "5",
        "0.5",
        "-a",
        "a b",
        ".a",
        "ä",
        "'5'",
        "''",
        '"<<"',
        "[a]",
        "{a: b}",
        "? a b\n",
        "a/b",
        "\U0001f600",
    )
    cases = {f"key-{n}": (f"{key}: x\n", "bad-key") for n, key in enumerate(bad)}
    cases["key-missing"] = (": x\n", "bad-key")
    cases["key-missing-flow"] = ("a: {: x}\n", "bad-key")
    cases["key-of-lists"] = ("? - a\n  - b\n: x\n", "bad-key")
    for word in ("null", "true", "False", "yes", "NO", "on", "Off"):
        cases[f"key-word-{word}"] = (f"{word}: x\n", "ambiguous-scalar")
    cases["duplicate"] = ("a: 1\nb: 2\na: 3\n", "duplicate-key")
    cases["duplicate-nested"] = ("a: {b: 1, b: 2}\n", "duplicate-key")
    cases["duplicate-quoted"] = ("a: 1\n'a': 2\n", "duplicate-key")
    cases["duplicates"] = ("a: 1\n" * 9_000, "duplicate-key")
    cases["colliding-integers"] = ("".join(f"{n * (2**61 - 1)}: x\n" for n in range(1, 9_000)), "bad-key")
    cases["key-long"] = ("k" * 2_000 + ": x\n", "not-yaml")
    cases["key-over-two-lines"] = ("a\nb: c\n", "not-yaml")
    return _text(cases)


def _scalars() -> dict[str, Case]:
    words = (
        *(
            "yes",
            "No",
            "NO",
            "on",
            "OFF",
            "Yes",
            "On",
            "~",
            "=",
            "<<",
            "010",
            "0o10",
            "0x1F",
            "0b11",
            "1_000",
            "1:30",
        ),
        *(
            "190:20:30",
            "1e400",
            "-1e400",
            "1e-4",
            "1e3",
            "1.5e+3",
            "3.10",
            "0.50",
            "+5",
            "-0",
            ".5",
            "5.",
            "09",
        ),
        *(
            ".inf",
            "-.INF",
            ".nan",
            ".NaN",
            "2024-01-01",
            "2001-12-14t21:59:43.10-05:00",
            "2001-12-14 21:59:43",
        ),
    )
    cases = {f"word-{word}": (f"a: {word}\n", "ambiguous-scalar") for word in words}
    cases["digits-20"] = ("a: " + "1" * 20 + "\n", "too-large")
    cases["digits-5000"] = ("a: " + "1" * 5_000 + "\n", "too-large")
    cases["digits-5000-hexadecimal"] = ("a: 0x" + "f" * 5_000 + "\n", "ambiguous-scalar")
    cases["digits-5000-base-60"] = ("a: 1" + ":59" * 5_000 + "\n", "ambiguous-scalar")
    cases["digits-5000-underscores"] = ("a: 1" + "_" * 5_000 + "\n", "ambiguous-scalar")
    cases["digits-5000-fraction"] = ("a: 0." + "1" * 5_000 + "\n", "too-large")
    cases["exponent-huge"] = ("a: 1e" + "9" * 5_000 + "\n", "ambiguous-scalar")
    cases["comment-in-a-command"] = ("run: sed s/a #b/\n", "comment-in-command")
    cases["comment-in-a-set-up"] = ("setup:\n- pip install x # y\n", "comment-in-command")
    for name, escape in (
        ("nul", "\\0"),
        ("escape", "\\e"),
        ("return", "\\r"),
        ("bidi", "\\u202e"),
        ("next-line", "\\N"),
    ):
        cases[f"escaped-{name}"] = (f'a: "x{escape}y"\n', "control-character")
    cases["escaped-surrogate"] = ('a: "\\ud800"\n', "control-character")
    cases["escaped-beyond-unicode"] = ('a: "\\U00110000"\n', "not-yaml")
    cases["escaped-far-beyond-unicode"] = ('a: "\\UFFFFFFFF"\n', "not-yaml")
    cases["escape-unknown"] = ('a: "\\q"\n', "not-yaml")
    cases["escape-cut-off"] = ('a: "\\x4', "not-yaml")
    return _text(cases)


def _characters() -> dict[str, Case]:
    codes = (
        *(
            0x00,
            0x01,
            0x08,
            0x0B,
            0x0C,
            0x0D,
            0x1B,
            0x7F,
            0x80,
            0x85,
            0x9F,
            0xA0,
            0xAD,
            0x34F,
            0x61C,
            0x115F,
            0x180E,
        ),
        *(
            0x2000,
            0x200B,
            0x200C,
            0x200D,
            0x200E,
            0x200F,
            0x2028,
            0x2029,
            0x202A,
            0x202B,
            0x202C,
            0x202D,
            0x202E,
        ),
        *(
            0x202F,
            0x2060,
            0x2066,
            0x2067,
            0x2068,
            0x2069,
            0x3164,
            0xFE0F,
            0xFEFF,
            0xFFA0,
            0xFFF9,
            0xFFFE,
            0xFFFF,
        ),
        *(0x1D173, 0xE0001, 0xE0041, 0xE0100),
    )
    cases = {f"character-{code:04X}": (f"a: x{chr(code)}y\n", "control-character") for code in codes}
    cases["character-in-a-comment"] = ("a: b # \u202e\n", "control-character")
    cases["character-in-a-key"] = ("a\u200b: b\n", "control-character")
    cases["characters"] = ("a: b\n" + "\x01\n" * 19_000, "control-character")
    cases["characters-one-line"] = ("a: " + "\u202e" * 16_000, "control-character")
    return _text(cases)


def _encodings() -> dict[str, Case]:
    return {
        "byte-order-mark": (b"\xef\xbb\xbfa: b\n", "control-character"),
        "utf-16": ("a: b\n".encode("utf-16"), "not-utf8"),
        "utf-16-be": ("a: ö\n".encode("utf-16-be"), "not-utf8"),
        "utf-32": ("a: b\n".encode("utf-32"), "not-utf8"),
        "latin-1": ("a: ö\n".encode("latin-1"), "not-utf8"),
        "overlong": (b"a: \xc0\xaf\n", "not-utf8"),
        "surrogate": (b"a: \xed\xa0\x80\n", "not-utf8"),
        "beyond-unicode": (b"a: \xf4\x90\x80\x80\n", "not-utf8"),
        "cut-off": (b"a: \xe2\x82", "not-utf8"),
        "random": (bytes(n * 7919 % 256 for n in range(100_000)), "not-utf8"),
    }


def _sizes() -> dict[str, Case]:
    lines = "b\n  " * 19_000
    return _text(
        {
            "file": ("a: b\n" + "# x\n" * (20 * 1024 * KIB // 4), "too-large"),
            "one-line": ("a: " + "x" * 1_000_000, "long-line"),
            "line": ("a: " + "x" * (16 * KIB), "long-line"),
            "long-comment": ("a: b # " + "x" * (16 * KIB), "long-line"),
            "lines": ("a: b\n" + "\n" * 30_000, "too-large"),
            "scalar-literal": ("a: |\n" + f"  {'x' * 16_000}\n" * 60, "too-large"),
            "scalar-folded": ("a: >\n" + f"  {'x' * 16_000}\n\n" * 60, "too-large"),
            "scalar-plain": ("a:\n" + f"  {'x ' * 8_000}\n" * 60, "too-large"),
            "scalar-double": ('a: "' + ("\\n" * 8_000 + "\n ") * 60 + '"', "too-large"),
            "scalar-single": ("a: '" + ("''" * 8_000 + "\n ") * 60 + "'", "too-large"),
            "scalar-plain-short-lines": ("a: " + "bb\n  " * 19_000 + "c: d", "not-yaml"),
            "scalar-quoted-short-lines": (f'a: "{lines}', "not-yaml"),
            "scalar-blank-lines": ("a: |+\n" + "\n" * 19_000 + " x\n\ty", "not-yaml"),
            "scalar-65537": ('a: "' + ("x" * 16_000 + "\\\n ") * 4 + "x" * 1_537 + '"', "too-large"),
            "values-flow": ("a: [" + ("a," * 8_000 + "\n ") * 60 + "]", "too-large"),
            "values-flow-lines": ("a: [" + "a,a,\n" * 19_000 + "]", "too-large"),
            "values-empty": ("a: [" + ("''," * 5_000 + "\n ") * 60 + "]", "too-large"),
            "values-keys": ("".join(f"a{n}: b\n" for n in range(19_000)), "too-large"),
            "values-items": (
                "a:\n" + "- b\n" * 19_000 + "- [" + ("a," * 8_000 + "\n ") * 2 + "]",
                "too-large",
            ),
            "values-no-values": ("a: {" + ("k," * 8_000 + "\n ") * 60 + "}", "duplicate-key"),
            "spaces": ("a:\n" + (" " * 16_000 + "\n") * 60 + "b: [", "not-yaml"),
            "comments": (("#" * 16_000 + "\n") * 60 + "a: [", "not-yaml"),
        }
    )


def _syntax() -> dict[str, Case]:
    texts = (
        *(
            "a: [",
            "a: {",
            "a: ]",
            "a: }",
            "a: [b}",
            "a: {b]",
            "a: [,]",
            "a: {,}",
            "a: [b c: d",
            "a: b: c",
            "a: - b",
        ),
        *(
            "a: 'b",
            'a: "b',
            "a: 'b' c",
            "a: @b",
            "a: `b",
            "a: %b",
            "a: |0\n  b",
            "a: |+-\n  b",
            "a: |10\n  b",
            "a: >x\n b",
        ),
        *("\ta: b", "a:\n\tb: c", "a: [\tb]", "a:\tb", "a: b\n c: d", " a: b\nc: d", "- a\nb: c"),
        *(
            'a: "b"#c',
            "a: [b,#c\n]",
            "a: " + ":" * 16_000 + " b: c",
            "a: " + "'" * 16_001,
            "a: " + '"' * 16_001,
            "a: b\n@",
        ),
        *(
            "a: !<",
            "a: !<x",
            "? a\n? [",
            "a: [? b",
            "a: {? }x",
            "a: '" + "\n" * 19_000,
            'a: "\\\n',
            "--- a: b",
            "---a\n: [",
        ),
    )
    return _text({f"syntax-{n}": (text, "") for n, text in enumerate(texts)})
