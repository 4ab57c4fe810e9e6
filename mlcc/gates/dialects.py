"""DuckDB's SQL, written for another engine at compile time: what gates commit, and what the engine then runs.

sqlglot does the translation, at one exact version, so that the same spec compiles to the same bytes. It writes what it doesn't
know as it stands, and a few of DuckDB's functions without equivalent; so only what is listed here is let through.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mlcc.gates import DUCKDB, ArtifactInfo, GateParamsError, Loc
from mlcc.gates.regexes import UnportableError, portable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlglot import exp

SQLGLOT = "30.30.0"
_INSTALL = "pip install 'mlcc[sql]', which has the one version whose SQL is the same everywhere"
# What means the same to every engine once it is translated. Connectives are functions to sqlglot.
_SAME = frozenset(
    (
        *("Sum", "Count", "Min", "Max", "Avg", "Abs", "Length", "Lower", "Floor", "Greatest", "Least"),
        *("Case", "If", "Cast", "Coalesce", "Nullif", "And", "Or", "Not"),
        *("Exists", "Rank", "CovarPop", "StddevPop", "MD5", "Chr"),
    )
)
_MOST = "1.7976931348623157e308"  # the largest double
# How text is compared and sorted by its bytes. In Spark, a cast alone makes it so.
_BY_BYTES = {
    "postgres": '{} COLLATE "C"',
    "databricks": "{} COLLATE UTF8_BINARY",
    "bigquery": "COLLATE({}, '')",
    "snowflake": "COLLATE({}, 'utf8')",
}
_AS_OF = {
    "bigquery": "(SELECT * FROM {name} FOR SYSTEM_TIME AS OF TIMESTAMP '{{moment}}')",
    "snowflake": "(SELECT * FROM {name} AT (TIMESTAMP => '{{moment}}'::TIMESTAMP_TZ))",
}
_MARK = "mlcc_mark_"


class UntranslatableError(Exception):
    """SQL that an engine has no equivalent for. The message says what."""


def translated(sql: str, engine: str, loc: Loc, *marks: str) -> str:
    """Return what `translate` does. Raises GateParamsError at the place of what asks for it."""
    try:
        return translate(sql, engine, *marks)
    except UntranslatableError as error:
        raise GateParamsError(loc, f"{engine} can't do this as DuckDB does: {error}") from None


def translate(sql: str, engine: str, *marks: str) -> str:
    """Return a query, or an expression, of DuckDB as an engine spells it.

    `engine`: spark, databricks, postgres, bigquery or snowflake. `marks` are what the gate fills in when it runs: `{mark}`
    stands for a literal, an expression, or a part of a name, and stays as it is. Times are UTC: the session's time zone
    must be. Raises UntranslatableError, and ImportError without sqlglot.
    """
    for mark in marks:
        sql = sql.replace(f"{{{mark}}}", _MARK + mark)
    sql = _translate(sql, engine)
    for mark in marks:
        sql = sql.replace(_MARK + mark, f"{{{mark}}}")
    return sql


def _translate(sql: str, engine: str) -> str:
    import sqlglot
    from sqlglot import exp

    tree = sqlglot.parse_one(sql, read=DUCKDB)
    _name_derived_tables(tree)
    if engine == "bigquery":
        for order in [
            order for window in tree.find_all(exp.Window) for order in window.find_all(exp.Ordered)
        ]:
            order.set("nulls_first", True)  # what windows sort is never null, and it has no other way
    for equal in list(tree.find_all(exp.EQ)):
        if isinstance(equal.expression, exp.Any):  # = ANY([...]), which not every engine has
            listed = equal.expression.find(exp.Array)
            assert listed is not None, sql
            equal.replace(exp.In(this=equal.this.copy(), expressions=listed.expressions))
    for node in reversed(list(tree.find_all(exp.Func))):  # inner ones first
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


def _name_derived_tables(tree: exp.Expr) -> None:
    """Give each query in a FROM a name where it has none: Postgres before 16 asks for one."""
    from sqlglot import exp

    for i, query in enumerate(tree.find_all(exp.Subquery), 1):
        if isinstance(query.parent, (exp.From, exp.Join)) and not query.alias:
            query.set("alias", exp.TableAlias(this=exp.to_identifier(f"derived{i}")))


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
        case exp.CountIf():
            return exp.Count(this=exp.case().when(node.this.copy(), exp.Literal.number(1)))
        case exp.Collate():
            return _by_bytes(node, engine)
        case exp.Anonymous() if node.name.lower() == "isfinite":
            # NaN is no less than a number: either nothing is true of it, or it is greater than all of them.
            return exp.LTE(
                this=exp.Abs(this=node.expressions[0].copy()), expression=exp.Literal.number(_MOST)
            )
        case exp.Anonymous() if node.name.lower() == "epoch_us":
            return _microseconds(node.expressions[0].copy(), engine)
        case exp.TimeToUnix():
            if engine == "bigquery":
                return exp.func("UNIX_SECONDS", exp.cast(node.this.copy(), "TIMESTAMPTZ"))
            return node.copy()
        case _:
            name = node.name if isinstance(node, exp.Anonymous) else node.sql_name()
            raise UntranslatableError(f"it calls {name.lower()}, which {engine} has not")


def _by_bytes(node: exp.Collate, engine: str) -> exp.Expr:
    """Return text that equals and sorts by its bytes, as DuckDB's does, whatever its column's collation is."""
    import sqlglot

    if node.expression.name != "C":
        raise UntranslatableError(f"it sorts by {node.expression.name}")
    text = node.this.sql(dialect=engine)
    return sqlglot.parse_one(_BY_BYTES.get(engine, "{}").format(text), read=engine)


def _microseconds(time: exp.Expr, engine: str) -> exp.Expr:
    """Return the microseconds since 1970 of a time with a time zone."""
    from sqlglot import exp

    if engine == "postgres":
        return exp.Mul(this=exp.Anonymous(this="DATE_PART", expressions=[exp.Literal.string("epoch"), time]),
                       expression=exp.Literal.number("1e6"))  # fmt: skip
    if engine == "snowflake":
        return exp.Anonymous(this="DATE_PART", expressions=[exp.Literal.string("epoch_microsecond"), time])
    return exp.Anonymous(this="UNIX_MICROS", expressions=[time])


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


def stated(source: Mapping[str, object], artifacts: Mapping[str, ArtifactInfo]) -> dict[str, object]:
    """Return a source of a gate's parameters, which names its `artifact`, with what SQL calls a warehouse's `table`."""
    artifact = artifacts[str(source["artifact"])]
    return {**source, "table": table_name(artifact)} if artifact.is_table else dict(source)


def table_name(artifact: ArtifactInfo) -> str:
    """Return the table of an artifact `ENGINE://SCHEMA.TABLE` as its engine spells it.

    Of one as of a moment it is a query, in which `{moment}` stands for what the gate fills in when it runs:
    https://cloud.google.com/bigquery/docs/access-historical-data, https://docs.snowflake.com/en/sql-reference/constructs/at-before
    """
    from sqlglot import exp

    _, _, name = artifact.path.partition("://")
    parts = [exp.to_identifier(part, quoted=True).sql(dialect=artifact.engine) for part in name.split(".")]
    name = ".".join(parts)
    return _AS_OF[artifact.engine].format(name=name) if artifact.snapshot else name
