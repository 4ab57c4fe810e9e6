"""Broken specs about work that runs somewhere else."""

from __future__ import annotations

from tests.planning.case import Case

COMMANDS = "submit: s, poll: p, cancel: c"

REMOTE = (
    Case(
        "remote work that nothing keeps in mind",
        f"jobs:\n  train: {{◆remote: {{{COMMANDS}}}}}\n",
        "resume-without-store",
        "what 'train' submits is kept in mind in the spec's `store`, and there is none: when its runner dies and it is run "
        "again, it would submit the same work a second time",
        help='add `store: {uri: "s3://BUCKET/PATH"}` at the top; or say `resume: false` here, and what was submitted is '
        "cancelled whenever the job ends without it",
    ),
    Case(
        "remote work that says that it is kept in mind, and nothing does",
        f"jobs:\n  train: {{remote: {{{COMMANDS}, ◆resume: true}}}}\n",
        "resume-without-store",
        "what 'train' submits is kept in mind in the spec's `store`, and there is none: when its runner dies and it is run "
        "again, it would submit the same work a second time",
        help='add `store: {uri: "s3://BUCKET/PATH"}` at the top; or say `resume: false` here, and what was submitted is '
        "cancelled whenever the job ends without it",
    ),
    Case(
        "remote work that is asked after once its time is over",
        f"jobs:\n  train: {{timeout: 10m, remote: {{{COMMANDS}, ◆every: 10m, resume: false}}}}\n",
        "late-poll",
        "'train' is asked after every 10m, and its whole time is 10m",
        help="poll more often, or give the job a longer `timeout`",
    ),
    Case(
        "remote work that ends before it is asked after, as every is by default",
        f"defaults: {{timeout: 60s}}\njobs:\n  train: {{◆remote: {{{COMMANDS}, resume: false}}}}\n",
        "late-poll",
        "'train' is asked after every 60s, and its whole time is 60s",
        help="poll more often, or give the job a longer `timeout`",
    ),
)
