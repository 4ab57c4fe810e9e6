"""DuckDB's SQL, written for another engine at compile time: what gates commit, and what the engine then runs.

sqlglot does the translation, at one exact version, so that the same spec compiles to the same bytes. It writes what it doesn't
know as it stands, and a few of DuckDB's functions without equivalent; so only what is listed here is let through.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mlcc.gates import DUCKDB, ArtifactInfo, GateParamsError, Loc
from mlcc.gates.regexes import UnportableError, portable

if TYPE_CHECKING:
    from sqlglot import exp

SQLGLOT = "30.30.0"
_INSTALL = "pip install 'mlcc[sql]', which has the one version whose SQL is the same everywhere"
# What means the same to every engine once it is translated. Connectives are functions to sqlglot.
_SAME = frozenset(
    (
        *("Sum", "Count", "Min", "Max", "Avg", "Abs", "Length", "Lower", "Floor", "Greatest", "Least"),
        *("Case", "If", "Cast", "Coalesce", "Nullif", "And", "Or", "Not"),
    )
)


class UntranslatableError(Exception):
    """SQL that an engine has no equivalent for. The message says what."""


def translate(sql: str, engine: str) -> str:
    """Return a query, or an expression, of DuckDB as an engine spells it.

    `engine`: spark, databricks, postgres, bigquery or snowflake. Times are UTC: the session's time zone must be. Raises
    UntranslatableError, and ImportError without sqlglot.
    """
    import sqlglot
    from sqlglot import exp

    tree = sqlglot.parse_one(sql, read=DUCKDB)
    for equal in list(tree.find_all(exp.EQ)):
        if isinstance(equal.expression, exp.Any):  # = ANY([...]), which not every engine has
            listed = equal.expression.find(exp.Array)
            assert listed is not None, sql
            equal.replace(exp.In(this=equal.this.copy(), expressions=listed.expressions))
    for node in list(tree.find_all(exp.Func)):
        if type(node).__name__ in _SAME:
            continue
        new = _rewritten(node, engine)
        if node is tree:
            tree = new
        else:
            node.replace(new)
    if engine == "snowflake":
        for literal in list(tree.find_all(exp.Literal)):
            if literal.is_number and not literal.is_int:  # it would be a decimal
                literal.replace(exp.cast(literal.copy(), "DOUBLE"))
    try:
        return tree.sql(dialect=engine, unsupported_level=sqlglot.ErrorLevel.RAISE)
    except sqlglot.UnsupportedError as error:
        raise UntranslatableError(str(error)) from None


def _rewritten(node: exp.Func, engine: str) -> exp.Expr:
    """Return the equivalent of a function of DuckDB's own."""
    from sqlglot import exp

    match node:
        case exp.IsNan():
            if engine in ("postgres", "snowflake"):  # to both, NaN equals itself
                return exp.EQ(this=node.this.copy(), expression=exp.cast(exp.Literal.string("NaN"), "DOUBLE"))
            return node.copy()
        case exp.RegexpFullMatch():
            return _full_match(node, engine)
        case exp.TimeToUnix():
            if engine == "bigquery":
                return exp.func("UNIX_SECONDS", exp.cast(node.this.copy(), "TIMESTAMPTZ"))
            return node.copy()
        case _:
            name = node.name if isinstance(node, exp.Anonymous) else node.sql_name()
            raise UntranslatableError(f"it calls {name.lower()}, which {engine} has not")


def _full_match(node: exp.RegexpFullMatch, engine: str) -> exp.Expr:
    from sqlglot import exp

    try:
        pattern = portable(node.expression.name)
    except UnportableError as error:
        raise UntranslatableError(str(error)) from None
    # Java's `$` matches before a last line end, too. Snowflake's function is about the whole value.
    forms = {"spark": r"\A({})\z", "databricks": r"\A({})\z", "snowflake": "{}"}
    whole = forms.get(engine, "^({})$").replace("{}", pattern)
    return exp.RegexpLike(this=node.this.copy(), expression=exp.Literal.string(whole))


def check_select(sql: str, engine: str) -> None:
    """Raise UntranslatableError unless text is one SELECT in an engine's own dialect. The text stays as it is."""
    import sqlglot
    from sqlglot import exp

    try:
        statements = sqlglot.parse(sql, read=engine)
    except sqlglot.ParseError as error:
        where = error.errors[0] if error.errors else {}
        place = f" at line {where['line']}, column {where['col']}" if "line" in where else ""
        raise UntranslatableError(f"it is not proper SQL of {engine}{place}") from None
    if len(statements) != 1 or not isinstance(statements[0], exp.Query):
        raise UntranslatableError("it is not one SELECT statement")
    written = (exp.DML, exp.Into, exp.Lock)  # SELECT … INTO, FOR UPDATE, WITH x AS (DELETE …)
    if any(statements[0].find_all(*written)):
        raise UntranslatableError("it does more than to select")


def check_installed(engine: str, loc: Loc = ()) -> None:
    """Raise GateParamsError where sqlglot is missing or another version would write other SQL."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        found = version("sqlglot")
    except PackageNotFoundError:
        message = f"SQL for {engine} is written by sqlglot, which isn't installed"
        raise GateParamsError(loc, message, _INSTALL) from None
    if found != SQLGLOT:
        message = f"SQL for {engine} is written by sqlglot {SQLGLOT}, and {found} is installed"
        raise GateParamsError(loc, message, _INSTALL)


def table_name(artifact: ArtifactInfo) -> str:
    """Return the table of an artifact `ENGINE://SCHEMA.TABLE` as its engine spells it."""
    from sqlglot import exp

    _, _, name = artifact.path.partition("://")
    parts = [exp.to_identifier(part, quoted=True).sql(dialect=artifact.engine) for part in name.split(".")]
    return ".".join(parts)
