"""The models as data, for the fast loader.

Made by `python -m mlcc.generate`; do not edit.
"""

from __future__ import annotations

from mlcc.spec import scalars
from mlcc.spec.shapes import Anything, Choice, DictOf, Either, Fields, Flag, Int, Key, ListOf, Number, Str

COMMAND = Str(scalars.check_command)
CRON = Str(scalars.check_cron)
DATE = Str(scalars.check_date)
DURATION = Str(scalars.check_duration)
ENV_NAME = Str(scalars.check_env_name)
FREE_TEXT = Str(scalars.check_free_text)
ID = Str(scalars.check_id)
OUTPUT_NAME = Str(scalars.check_output_name)
PATH = Str(scalars.check_path)
PLAIN_PATH = Str(scalars.check_plain_path)
PYTHON_VERSION = Str(scalars.check_python_version)
REQUIREMENT = Str(scalars.check_requirement)
SECRET_NAME = Str(scalars.check_secret_name)
TEXT = Str(scalars.check_text)
BRANCHES = Fields("Branches", {"branches": Key(ListOf(TEXT, least=1))})
TAGS = Fields("Tags", {"patterns": Key(ListOf(TEXT, least=1))})
FORM_INPUT = Fields(
    "FormInput",
    {
        "type": Key(Choice("string", "number", "integer", "boolean", "choice")),
        "description": Key(TEXT, None),
        "default": Key(Either(FREE_TEXT, Number(), Flag()), None),
        "required": Key(Flag(), False),
        "min": Key(Number(), None),
        "max": Key(Number(), None),
        "options": Key(ListOf(TEXT), []),
    },
)
FORM = Fields("Form", {"inputs": Key(DictOf(ID, FORM_INPUT), {})})
TRIGGERS = Fields(
    "Triggers",
    {
        "pull_request": Key(BRANCHES, None),
        "push": Key(BRANCHES, None),
        "tag": Key(TAGS, None),
        "schedule": Key(DictOf(ID, CRON), {}),
        "manual": Key(DictOf(ID, FORM), {}),
        "dispatch": Key(ListOf(ID), []),
    },
)
VALUE_REF = Fields(
    "ValueRef",
    {
        "secret": Key(SECRET_NAME, None),
        "var": Key(SECRET_NAME, None),
        "input": Key(ID, None),
        "matrix": Key(ID, None),
        "output": Key(OUTPUT_NAME, None),
        "context": Key(
            Choice(
                "commit",
                "base_commit",
                "branch",
                "tag",
                "event",
                "pull_request",
                "repository",
                "run_id",
                "run_number",
                "run_url",
                "workspace",
            ),
            None,
        ),
        "as": Key(Choice("value", "file"), "value", attribute="as_"),
        "default": Key(Either(FREE_TEXT, Number(), Flag()), None),
    },
    exactly_one=(("secret", "var", "input", "matrix", "output", "context"),),
)
CACHE = Fields(
    "Cache",
    {"path": Key(ListOf(TEXT, least=1)), "key": Key(ListOf(PATH, least=1))},
)
CHECKOUT = Fields(
    "Checkout",
    {
        "depth": Key(Int(low=0), 1),
        "lfs": Key(Flag(), False),
        "submodules": Key(Flag(), False),
    },
)
DEFAULTS = Fields(
    "Defaults",
    {
        "runner": Key(ID, None),
        "python": Key(PYTHON_VERSION, None),
        "image": Key(TEXT, None),
        "setup": Key(ListOf(COMMAND), []),
        "env": Key(
            DictOf(ENV_NAME, Either(FREE_TEXT, Number(), Flag(), VALUE_REF)),
            {},
        ),
        "working_directory": Key(PLAIN_PATH, None),
        "timeout": Key(DURATION, "30m"),
        "retry": Key(Int(low=0, high=5), 0),
        "cache": Key(DictOf(ID, CACHE), {}),
        "checkout": Key(CHECKOUT, None),
        "retain": Key(DURATION, "7d"),
    },
    at_most_one=(("python", "image"),),
)
RUNNER = Fields(
    "Runner",
    {
        "github": Key(Either(TEXT, ListOf(TEXT, least=1)), None),
        "gitlab": Key(Either(TEXT, ListOf(TEXT, least=1)), None),
        "jenkins": Key(TEXT, None),
        "pull_requests": Key(Flag(), False),
    },
)
ENVIRONMENT = Fields(
    "Environment",
    {
        "env": Key(
            DictOf(ENV_NAME, Either(FREE_TEXT, Number(), Flag(), VALUE_REF)),
            {},
        ),
        "branches": Key(ListOf(TEXT), []),
        "approval": Key(Flag(), False),
    },
)
AWS_AUTH = Fields(
    "AwsAuth",
    {
        "role": Key(Either(FREE_TEXT, Number(), Flag(), VALUE_REF)),
        "region": Key(Either(FREE_TEXT, Number(), Flag(), VALUE_REF)),
        "audience": Key(TEXT, "sts.amazonaws.com"),
    },
)
GCP_AUTH = Fields(
    "GcpAuth",
    {
        "provider": Key(Either(FREE_TEXT, Number(), Flag(), VALUE_REF)),
        "service_account": Key(Either(FREE_TEXT, Number(), Flag(), VALUE_REF)),
    },
)
AZURE_AUTH = Fields(
    "AzureAuth",
    {
        "client_id": Key(Either(FREE_TEXT, Number(), Flag(), VALUE_REF)),
        "tenant_id": Key(Either(FREE_TEXT, Number(), Flag(), VALUE_REF)),
        "audience": Key(TEXT, "api://AzureADTokenExchange"),
    },
)
OIDC_AUTH = Fields("OidcAuth", {"audience": Key(TEXT)})
AUTH = Fields(
    "Auth",
    {
        "aws": Key(AWS_AUTH, None),
        "gcp": Key(GCP_AUTH, None),
        "azure": Key(AZURE_AUTH, None),
        "oidc": Key(OIDC_AUTH, None),
    },
)
MATRIX_REF = Fields("MatrixRef", {"matrix": Key(ID)})
SERVICE = Fields(
    "Service",
    {
        "image": Key(TEXT),
        "port": Key(Int(low=1, high=65535)),
        "env": Key(
            DictOf(ENV_NAME, Either(FREE_TEXT, Number(), Flag(), VALUE_REF)),
            {},
        ),
        "ready": Key(DURATION, "60s"),
    },
)
MATRIX = Fields(
    "Matrix",
    {
        "axes": Key(
            DictOf(ID, ListOf(Either(FREE_TEXT, Number(), Flag()), least=1)),
            {},
        ),
        "include": Key(
            DictOf(ID, DictOf(ID, Either(FREE_TEXT, Number(), Flag()))),
            {},
        ),
    },
)
CONDITION = Fields(
    "Condition",
    {
        "event": Key(
            Either(
                Choice(
                    "push",
                    "pull_request",
                    "tag",
                    "schedule",
                    "manual",
                    "dispatch",
                ),
                ListOf(
                    Choice(
                        "push",
                        "pull_request",
                        "tag",
                        "schedule",
                        "manual",
                        "dispatch",
                    ),
                    least=1,
                ),
            ),
            None,
        ),
        "branch": Key(Either(TEXT, ListOf(TEXT, least=1)), None),
        "tag": Key(Either(TEXT, ListOf(TEXT, least=1)), None),
        "trigger": Key(Either(ID, ListOf(ID, least=1)), None),
        "input": Key(DictOf(ID, Either(FREE_TEXT, Number(), Flag())), None),
        "gate": Key(ID, None),
        "verdict": Key(
            Either(
                Choice("pass", "fail", "inconclusive", "error"),
                ListOf(
                    Choice("pass", "fail", "inconclusive", "error"),
                    least=1,
                ),
            ),
            None,
        ),
        "status": Key(Choice("always", "failure"), None),
    },
)
REPORT = Fields(
    "Report",
    {
        "path": Key(PLAIN_PATH),
        "format": Key(
            Choice("text", "markdown", "html", "junit", "cobertura", "sarif"),
        ),
    },
)
ORIGIN = Fields(
    "Origin",
    {
        "runner": Key(Either(ID, MATRIX_REF), None),
        "python": Key(Either(PYTHON_VERSION, MATRIX_REF), None),
        "image": Key(TEXT, None),
        "setup": Key(ListOf(COMMAND), None),
        "env": Key(
            DictOf(ENV_NAME, Either(FREE_TEXT, Number(), Flag(), VALUE_REF)),
            {},
        ),
        "environment": Key(ID, None),
        "auth": Key(ListOf(Choice("aws", "gcp", "azure", "oidc")), []),
        "services": Key(DictOf(ID, SERVICE), {}),
        "matrix": Key(MATRIX, None),
        "cache": Key(DictOf(ID, CACHE), {}),
        "working_directory": Key(PLAIN_PATH, None),
        "timeout": Key(DURATION, None),
        "retry": Key(Int(low=0, high=5), None),
        "when": Key(Either(CONDITION, ListOf(CONDITION, least=1)), None),
        "path": Key(ListOf(PATH), []),
        "checkout": Key(Either(CHECKOUT, Choice("none")), None),
        "finally": Key(COMMAND, None, attribute="finally_"),
        "reports": Key(DictOf(ID, REPORT), {}),
        "dvc": Key(PLAIN_PATH, None),
        "command": Key(COMMAND, None),
    },
    exactly_one=(("dvc", "command"),),
    at_most_one=(("python", "image"),),
)
ARTIFACT = Fields(
    "Artifact",
    {
        "kind": Key(Choice("code", "data", "model", "file")),
        "path": Key(Either(PATH, ListOf(PATH, least=1))),
        "from": Key(ORIGIN, None, attribute="from_"),
        "at": Key(Choice("base"), None),
        "retain": Key(DURATION, None),
    },
)
JOB = Fields(
    "Job",
    {
        "runner": Key(Either(ID, MATRIX_REF), None),
        "python": Key(Either(PYTHON_VERSION, MATRIX_REF), None),
        "image": Key(TEXT, None),
        "setup": Key(ListOf(COMMAND), None),
        "env": Key(
            DictOf(ENV_NAME, Either(FREE_TEXT, Number(), Flag(), VALUE_REF)),
            {},
        ),
        "environment": Key(ID, None),
        "auth": Key(ListOf(Choice("aws", "gcp", "azure", "oidc")), []),
        "services": Key(DictOf(ID, SERVICE), {}),
        "matrix": Key(MATRIX, None),
        "cache": Key(DictOf(ID, CACHE), {}),
        "working_directory": Key(PLAIN_PATH, None),
        "timeout": Key(DURATION, None),
        "retry": Key(Int(low=0, high=5), None),
        "when": Key(Either(CONDITION, ListOf(CONDITION, least=1)), None),
        "path": Key(ListOf(PATH), []),
        "checkout": Key(Either(CHECKOUT, Choice("none")), None),
        "finally": Key(COMMAND, None, attribute="finally_"),
        "reports": Key(DictOf(ID, REPORT), {}),
        "run": Key(COMMAND),
        "reads": Key(ListOf(ID), []),
        "writes": Key(ListOf(ID), []),
        "evaluates": Key(ListOf(ID), []),
        "needs": Key(ListOf(ID), []),
        "outputs": Key(ListOf(ENV_NAME), []),
        "blocking": Key(Flag(), True),
    },
    at_most_one=(("python", "image"),),
)
WAIVER = Fields(
    "Waiver",
    {
        "reason": Key(Str(scalars.check_text, least=10)),
        "until": Key(DATE),
        "issue": Key(TEXT),
    },
)
COVERAGE = Fields(
    "Coverage",
    {"path": Key(PLAIN_PATH), "min": Key(Number(low=0, high=1))},
)
TESTS = Fields(
    "Tests",
    {
        "run": Key(COMMAND),
        "junit": Key(PLAIN_PATH, None),
        "min_passed": Key(Int(low=1), None),
        "coverage": Key(COVERAGE, None),
    },
)
COLUMN = Fields(
    "Column",
    {
        "name": Key(TEXT, None),
        "type": Key(
            Choice(
                "string",
                "integer",
                "number",
                "boolean",
                "date",
                "timestamp",
            ),
        ),
        "required": Key(Flag(), True),
        "max_nulls": Key(Number(low=0, high=1), 0),
        "min": Key(Either(Number(), Str()), None),
        "max": Key(Either(Number(), Str()), None),
        "values": Key(
            ListOf(Either(FREE_TEXT, Number(), Flag()), least=1),
            None,
        ),
        "pattern": Key(TEXT, None),
        "unique": Key(Flag(), False),
        "max_length": Key(Int(low=1), None),
    },
)
ROWS = Fields("Rows", {"min": Key(Int(low=1), 1), "max": Key(Int(low=1), None)})
FRESHNESS = Fields("Freshness", {"column": Key(TEXT), "max_age": Key(DURATION)})
SQL_CHECK = Fields("SqlCheck", {"sql": Key(COMMAND)})
CONTRACT = Fields(
    "Contract",
    {
        "columns": Key(DictOf(TEXT, COLUMN, least=1)),
        "extra_columns": Key(Choice("allow", "deny"), "allow"),
        "unique": Key(ListOf(TEXT, least=1), None),
        "rows": Key(ROWS, None),
        "freshness": Key(FRESHNESS, None),
        "checks": Key(DictOf(ID, SQL_CHECK), {}),
        "denied": Key(ListOf(TEXT), []),
    },
)
SPLIT = Fields("Split", {"column": Key(TEXT), "train": Key(TEXT), "test": Key(TEXT)})
LEAKAGE = Fields(
    "Leakage",
    {
        "train": Key(ID, None),
        "test": Key(ID, None),
        "split": Key(SPLIT, None),
        "key": Key(ListOf(TEXT, least=1), None),
        "features": Key(ListOf(TEXT, least=1), None),
        "max_shared": Key(Number(low=0, high=1), 0),
        "group": Key(TEXT, None),
        "time": Key(TEXT, None),
        "label": Key(TEXT, None),
        "max_single_feature_auc": Key(Number(low=0.5, high=1), 0.98),
        "max_single_feature_correlation": Key(Number(low=0, high=1), 0.98),
    },
    exactly_one=(("train", "split"),),
)
DRIFT_COLUMN = Fields(
    "DriftColumn",
    {
        "name": Key(TEXT, None),
        "psi": Key(Number(low=0.0001), None),
        "jensen_shannon": Key(Number(low=0.0001, high=0.9999), None),
        "l_infinity": Key(Number(low=0.0001, high=0.9999), None),
        "ks": Key(Number(low=0.0001, high=0.9999), None),
        "wasserstein": Key(Number(low=0.0001), None),
        "chi_square": Key(Number(low=0.0001, high=0.9999), None),
        "missing": Key(Number(low=0.0001, high=0.9999), None),
    },
    at_most_one=(
        (
            "psi",
            "jensen_shannon",
            "l_infinity",
            "ks",
            "wasserstein",
            "chi_square",
        ),
    ),
)
DRIFT = Fields(
    "Drift",
    {
        "reference": Key(ID),
        "current": Key(ID, None),
        "columns": Key(DictOf(TEXT, DRIFT_COLUMN, least=1)),
        "min_n": Key(Int(low=1), 100),
        "confidence": Key(Number(low=0.9, high=0.999999), 0.999),
    },
)
METRIC = Fields(
    "Metric",
    {
        "min": Key(Number(), None),
        "max": Key(Number(), None),
        "value": Key(TEXT, None),
        "stderr": Key(TEXT, None),
        "n": Key(TEXT, None),
        "mean": Key(TEXT, None),
    },
)
EVALUATE = Fields(
    "Evaluate",
    {
        "metrics_from": Key(ID, None),
        "predictions": Key(ID, None),
        "label": Key(TEXT, None),
        "score": Key(TEXT, None),
        "prediction": Key(TEXT, None),
        "threshold": Key(Number(), 0.5),
        "metrics": Key(DictOf(TEXT, METRIC, least=1)),
        "min_n": Key(Int(low=1), None),
        "confidence": Key(Number(low=0.5, high=0.9999), 0.95),
    },
    exactly_one=(("metrics_from", "predictions"),),
    at_most_one=(("score", "prediction"),),
)
COMMAND_GATE = Fields("CommandGate", {"run": Key(COMMAND)})
GATE = Fields(
    "Gate",
    {
        "runner": Key(Either(ID, MATRIX_REF), None),
        "python": Key(Either(PYTHON_VERSION, MATRIX_REF), None),
        "image": Key(TEXT, None),
        "setup": Key(ListOf(COMMAND), None),
        "env": Key(
            DictOf(ENV_NAME, Either(FREE_TEXT, Number(), Flag(), VALUE_REF)),
            {},
        ),
        "environment": Key(ID, None),
        "auth": Key(ListOf(Choice("aws", "gcp", "azure", "oidc")), []),
        "services": Key(DictOf(ID, SERVICE), {}),
        "matrix": Key(MATRIX, None),
        "cache": Key(DictOf(ID, CACHE), {}),
        "working_directory": Key(PLAIN_PATH, None),
        "timeout": Key(DURATION, None),
        "retry": Key(Int(low=0, high=5), None),
        "when": Key(Either(CONDITION, ListOf(CONDITION, least=1)), None),
        "path": Key(ListOf(PATH), []),
        "checkout": Key(Either(CHECKOUT, Choice("none")), None),
        "finally": Key(COMMAND, None, attribute="finally_"),
        "reports": Key(DictOf(ID, REPORT), {}),
        "guards": Key(ID),
        "needs": Key(ListOf(ID), []),
        "blocking": Key(Flag(), True),
        "on_inconclusive": Key(Choice("fail", "warn"), "fail"),
        "waive": Key(WAIVER, None),
        "locked": Key(Flag(), False),
        "tests": Key(TESTS, None),
        "contract": Key(CONTRACT, None),
        "leakage": Key(LEAKAGE, None),
        "drift": Key(DRIFT, None),
        "evaluate": Key(EVALUATE, None),
        "command": Key(COMMAND_GATE, None),
    },
    exactly_one=(("tests", "contract", "leakage", "drift", "evaluate", "command"),),
    at_most_one=(("python", "image"),),
)
LOSS = Fields(
    "Loss",
    {"reason": Key(Str(scalars.check_text, least=10)), "until": Key(DATE)},
)
GITHUB_TARGET = Fields(
    "GithubTarget",
    {
        "waive": Key(DictOf(TEXT, LOSS), {}),
        "workflow": Key(DictOf(Str(), Anything()), {}),
        "jobs": Key(DictOf(Str(), DictOf(Str(), Anything())), {}),
    },
)
GITLAB_TARGET = Fields(
    "GitlabTarget",
    {
        "waive": Key(DictOf(TEXT, LOSS), {}),
        "pipeline": Key(DictOf(Str(), Anything()), {}),
        "jobs": Key(DictOf(Str(), DictOf(Str(), Anything())), {}),
    },
)
JENKINS_TARGET = Fields("JenkinsTarget", {"waive": Key(DictOf(TEXT, LOSS), {})})
TARGETS = Fields(
    "Targets",
    {
        "github": Key(GITHUB_TARGET, None),
        "gitlab": Key(GITLAB_TARGET, None),
        "jenkins": Key(JENKINS_TARGET, None),
    },
)
SPEC = Fields(
    "Spec",
    {
        "version": Key(Int(check=scalars.check_version)),
        "name": Key(ID),
        "requires": Key(REQUIREMENT, None),
        "triggers": Key(TRIGGERS),
        "defaults": Key(DEFAULTS, DEFAULTS),
        "runners": Key(DictOf(ID, RUNNER), {}),
        "environments": Key(DictOf(ID, ENVIRONMENT), {}),
        "auth": Key(AUTH, AUTH),
        "artifacts": Key(DictOf(ID, ARTIFACT), {}),
        "jobs": Key(DictOf(ID, JOB), {}),
        "gates": Key(DictOf(ID, GATE), {}),
        "targets": Key(TARGETS, TARGETS),
    },
)
