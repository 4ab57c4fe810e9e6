"""A plan as Mermaid and as DOT, and which edges a picture shows."""

from __future__ import annotations

from mlcc.graph import dot, mermaid
from mlcc.graph.view import view
from mlcc.plan import Plan
from mlcc.record import replace


def test_mermaid(small: Plan) -> None:
    assert (
        mermaid(small)
        == """\
flowchart LR
  accTitle: credit
  accDescr: The pipeline credit runs 3 jobs, 3 gates, 1 fetch and 1 job that runs by status.
  n0[("fetch-raw<br/>fetches raw")]
  n1{{"unit<br/>tests on code"}}
  n2["train<br/>reads code, 2 legs"]
  n3{{"drift<br/>command on raw"}}
  n4["retrain"]
  n5{{"good<br/>command on model"}}
  n6["ship<br/>reads code"]
  n7(["tidy<br/>always"])
  n1 ==>|"code"| n2
  n0 -->|"raw"| n2
  n0 -->|"raw"| n3
  n0 -->|"raw"| n4
  n3 -.->|"fail"| n4
  n2 -->|"model"| n5
  n5 ==>|"model"| n6
  n6 -.-> n7
  classDef dashed stroke-dasharray: 5 4
  class n3 dashed
  linkStyle 4 stroke-dasharray: 5 4
"""
    )


def test_dot(small: Plan) -> None:
    assert (
        dot(small)
        == """\
digraph "credit" {
  rankdir=LR;
  node [fontname="Helvetica"];
  edge [fontname="Helvetica", fontsize=10];
  "fetch-raw" [label="fetch-raw\\nfetches raw", shape=cylinder];
  "unit" [label="unit\\ntests on code", shape=hexagon];
  "train" [label="train\\nreads code, 2 legs", shape=box];
  "drift" [label="drift\\ncommand on raw", shape=hexagon, style=dashed];
  "retrain" [label="retrain", shape=box];
  "good" [label="good\\ncommand on model", shape=hexagon];
  "ship" [label="ship\\nreads code", shape=box];
  "tidy" [label="tidy\\nalways", shape=oval];
  "unit" -> "train" [label="code", penwidth=2.5];
  "fetch-raw" -> "train" [label="raw"];
  "fetch-raw" -> "drift" [label="raw"];
  "fetch-raw" -> "retrain" [label="raw"];
  "drift" -> "retrain" [label="fail", style=dotted];
  "train" -> "good" [label="model"];
  "good" -> "ship" [label="model", penwidth=2.5];
  "ship" -> "tidy" [style=dotted];
}
"""
    )


def test_what_is_left_out_is_still_reachable(small: Plan) -> None:
    """Every edge of the plan is a path of links, as `train` to `ship` is through `good`."""
    after: dict[str, set[str]] = {id: set() for id in small.nodes}
    for link in view(small).links:
        after[link.source].add(link.target)
    for id in reversed(list(small.nodes)):
        after[id] |= {far for near in after[id] for far in after[near]}
    assert all(edge.target in after[edge.source] for edge in small.edges)
    assert ("train", "ship") in {(edge.source, edge.target) for edge in small.edges}
    assert ("train", "ship") not in {(link.source, link.target) for link in view(small).links}
    assert ("unit", "ship") not in {(link.source, link.target) for link in view(small).links}


HOSTILE = 'a"b\\c`d#e;f<g>h|i]j}k%%l\nm{{n}}'


def test_labels_are_escaped(small: Plan) -> None:
    escaped = "a#34;b#92;c#96;d#35;e#59;f#60;g#62;h#124;i#93;j#125;k#37;#37;l#10;m#123;#123;n#125;#125;"
    node = replace(small.nodes["retrain"], id=HOSTILE)
    plan = replace(small, name=HOSTILE, nodes={HOSTILE: node}, incoming={HOSTILE: ()}, outgoing={})
    assert mermaid(plan).splitlines()[1:] == [
        "  accTitle: a b c d e f g h i j k  l m  n  ",
        "  accDescr: The pipeline a b c d e f g h i j k  l m  n   runs 1 job.",
        f'  n0["{escaped}"]',
    ]
    quoted = '"a\\"b\\\\c`d#e;f<g>h|i]j}k%%l\\nm{{n}}"'
    assert dot(plan).splitlines()[0] == f"digraph {quoted} {{"
    assert dot(plan).splitlines()[-2] == f"  {quoted} [label={quoted}, shape=box];"


def test_an_empty_plan_is_drawn(small: Plan) -> None:
    empty = replace(small, nodes={}, incoming={}, outgoing={})
    assert mermaid(empty).splitlines()[2] == "  accDescr: The pipeline credit runs nothing."
    assert dot(empty).endswith("}\n")
