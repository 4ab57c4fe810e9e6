"""GitHub's figures, each with its source. Read in November 2026."""

from __future__ import annotations

from mlcc.backends import Limit

_LIMITS = "https://docs.github.com/actions/reference/limits"
_SYNTAX = "https://docs.github.com/actions/reference/workflows-and-actions/workflow-syntax"
_REUSE = "https://docs.github.com/actions/reference/workflows-and-actions/reusing-workflow-configurations"

EXPRESSION = Limit(
    "expression", 21_000, "characters", "github.com/actions/runner: ExpressionConstants.MaxLength"
)
WORKFLOW = Limit("workflow file", 512_000, "bytes", _LIMITS, share=0.9)
# Beyond the share of a file, nodes go to called workflows: 50 of them (MaxFiles says 51 with the caller; GitHub Enterprise
# Server takes 20). GitHub parses all files of a run into one memory, and counts 24 bytes a value, 26 more a text, and 2 a
# character (TemplateMemory).
PARTS = Limit("called workflows", 50, "files", _REUSE)
PARSED = Limit(
    "workflow files of a run, as parsed", 10_485_760, "bytes",
    "github.com/actions/runner: WorkflowParser, ParseOptions.MaxResultSize", share=0.9,
)  # fmt: skip
VALUE_BYTES, TEXT_BYTES, CHARACTER_BYTES = 24, 26, 2
MATRIX = Limit("matrix legs", 256, "jobs", _LIMITS)
INPUTS = Limit("inputs of the manual form", 25, "inputs", _SYNTAX)
BACKSTOP_MINUTES = 15  # beyond a node's own deadline: set-up of the runner, transfers, teardown
JOB_MINUTES = Limit(
    "time of a job on a hosted runner, 15 minutes beside the node's own", 360, "minutes", _LIMITS
)
SCHEDULE_MINUTES = 5  # the shortest interval between scheduled runs
OUTPUT = Limit("output of a job", 1_048_576, "bytes in UTF-16", _SYNTAX)

LIMITS = (EXPRESSION, WORKFLOW, PARTS, PARSED, MATRIX, INPUTS, JOB_MINUTES, OUTPUT)
