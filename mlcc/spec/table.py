"""The models as data, for the fast loader.

Made by `python -m mlcc.generate`; do not edit.
"""

from __future__ import annotations

from mlcc.spec import scalars
from mlcc.spec.shapes import Anything, Choice, DictOf, Either, Fields, Flag, Int, Key, ListOf, Number, Str

ADDRESS = Str(scalars.check_address)
ALIAS = Str(scalars.check_alias)
COMMAND = Str(scalars.check_command)
CRON = Str(scalars.check_cron)
DATE = Str(scalars.check_date)
DURATION = Str(scalars.check_duration)
ENV_NAME = Str(scalars.check_env_name)
FACTOR = Str(scalars.check_factor)
FOLDER = Str(scalars.check_folder)
FREE_TEXT = Str(scalars.check_free_text)
ID = Str(scalars.check_id)
IMAGE_DIGEST = Str(scalars.check_image_digest)
LATENCY = Str(scalars.check_latency)
MODEL_NAME = Str(scalars.check_model_name)
OUTPUT_NAME = Str(scalars.check_output_name)
PATH = Str(scalars.check_path)
PLAIN_PATH = Str(scalars.check_plain_path)
PLATFORM = Str(scalars.check_platform)
PYTHON_VERSION = Str(scalars.check_python_version)
REPOSITORY = Str(scalars.check_repository)
REQUIREMENT = Str(scalars.check_requirement)
SECRET_NAME = Str(scalars.check_secret_name)
SERVER = Str(scalars.check_server)
SIZE = Str(scalars.check_size)
SOURCE = Str(scalars.check_source)
STORE_URI = Str(scalars.check_store_uri)
TABLE = Str(scalars.check_table)
TAG = Str(scalars.check_tag)
TEXT = Str(scalars.check_text)
TRACKING_SERVER = Str(scalars.check_tracking_server)
URI = Str(scalars.check_uri)
PARAM = Fields(
    "Param",
    {
        "type": Key(Choice("string", "number", "integer", "boolean", "choice")),
        "description": Key(TEXT, None),
        "default": Key(Either(FREE_TEXT, Number(), Flag()), None),
        "min": Key(Number(), None),
        "max": Key(Number(), None),
        "options": Key(ListOf(TEXT), []),
    },
)
INSTANCE = Fields(
    "Instance",
    {
        "root": Key(PLAIN_PATH),
        "params": Key(DictOf(ID, Either(FREE_TEXT, Number(), Flag())), {}),
        "overrides": Key(DictOf(Str(), Anything()), {}),
    },
)
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
PROFILE = Fields(
    "Profile",
    {
        "runner": Key(ID, None),
        "python": Key(PYTHON_VERSION, None),
        "image": Key(TEXT, None),
        "setup": Key(ListOf(COMMAND), None),
        "env": Key(
            DictOf(ENV_NAME, Either(FREE_TEXT, Number(), Flag(), VALUE_REF)),
            {},
        ),
        "working_directory": Key(PLAIN_PATH, None),
        "timeout": Key(DURATION, None),
        "retry": Key(Int(low=0, high=5), None),
        "cache": Key(DictOf(ID, CACHE), {}),
        "checkout": Key(CHECKOUT, None),
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
STORE = Fields(
    "Store",
    {
        "uri": Key(STORE_URI),
        "auth": Key(ListOf(Choice("aws", "gcp", "azure", "oidc")), []),
        "env": Key(
            DictOf(ENV_NAME, Either(FREE_TEXT, Number(), Flag(), VALUE_REF)),
            {},
        ),
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
TOKEN_REF = Fields("TokenRef", {"secret": Key(SECRET_NAME)})
BUILD = Fields(
    "Build",
    {
        "profile": Key(ID, None),
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
        "path": Key(ListOf(SOURCE), []),
        "checkout": Key(Either(CHECKOUT, Choice("none")), None),
        "finally": Key(COMMAND, None, attribute="finally_"),
        "reports": Key(DictOf(ID, REPORT), {}),
        "context": Key(FOLDER, "."),
        "file": Key(PLAIN_PATH, "Dockerfile"),
        "includes": Key(ListOf(ID), []),
        "args": Key(
            DictOf(ENV_NAME, Either(FREE_TEXT, Number(), Flag(), VALUE_REF)),
            {},
        ),
        "secrets": Key(DictOf(ID, TOKEN_REF), {}),
        "platform": Key(PLATFORM, "linux/amd64"),
        "builder": Key(Choice("docker", "buildah", "podman"), None),
    },
    at_most_one=(("python", "image"),),
)
REGISTRY_LOGIN = Fields(
    "RegistryLogin",
    {
        "user": Key(Either(FREE_TEXT, Number(), Flag(), VALUE_REF)),
        "password": Key(TOKEN_REF),
    },
)
VARIABLE_REF = Fields("VariableRef", {"var": Key(SECRET_NAME)})
REGISTERED_VERSION = Fields(
    "RegisteredVersion",
    {
        "mlflow": Key(Either(TRACKING_SERVER, VARIABLE_REF)),
        "model": Key(MODEL_NAME),
        "alias": Key(ALIAS, None),
        "version": Key(Int(low=1), None),
    },
    exactly_one=(("alias", "version"),),
)
ORIGIN = Fields(
    "Origin",
    {
        "profile": Key(ID, None),
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
        "path": Key(ListOf(SOURCE), []),
        "checkout": Key(Either(CHECKOUT, Choice("none")), None),
        "finally": Key(COMMAND, None, attribute="finally_"),
        "reports": Key(DictOf(ID, REPORT), {}),
        "dvc": Key(PLAIN_PATH, None),
        "command": Key(COMMAND, None),
        "release": Key(ID, None),
        "artifact": Key(ID, None),
        "tag": Key(TAG, None),
        "digest": Key(IMAGE_DIGEST, None),
        "registry": Key(REGISTERED_VERSION, None),
    },
    exactly_one=(("dvc", "command", "release", "registry", "tag", "digest"),),
    at_most_one=(("python", "image"),),
)
REGISTRY = Fields(
    "Registry",
    {
        "mlflow": Key(Either(TRACKING_SERVER, VARIABLE_REF)),
        "model": Key(MODEL_NAME),
    },
)
ARTIFACT = Fields(
    "Artifact",
    {
        "kind": Key(Choice("code", "data", "model", "file", "image")),
        "path": Key(Either(PATH, ListOf(PATH, least=1)), None),
        "uri": Key(URI, None),
        "table": Key(TABLE, None),
        "snapshot": Key(Flag(), False),
        "repository": Key(REPOSITORY, None),
        "build": Key(BUILD, None),
        "login": Key(REGISTRY_LOGIN, None),
        "engine": Key(Choice("duckdb", "spark"), None),
        "env": Key(
            DictOf(ENV_NAME, Either(FREE_TEXT, Number(), Flag(), VALUE_REF)),
            {},
        ),
        "from": Key(ORIGIN, None, attribute="from_"),
        "first": Key(Choice("none"), None),
        "at": Key(Choice("base"), None),
        "retain": Key(DURATION, None),
        "store": Key(Flag(), False),
        "registry": Key(REGISTRY, None),
    },
    exactly_one=(("path", "uri", "table", "repository"),),
)
REMOTE = Fields(
    "Remote",
    {
        "submit": Key(COMMAND),
        "poll": Key(COMMAND),
        "cancel": Key(COMMAND),
        "every": Key(DURATION, "60s"),
        "collect": Key(COMMAND, None),
        "resume": Key(Flag(), True),
    },
)
JOB = Fields(
    "Job",
    {
        "profile": Key(ID, None),
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
        "path": Key(ListOf(SOURCE), []),
        "checkout": Key(Either(CHECKOUT, Choice("none")), None),
        "finally": Key(COMMAND, None, attribute="finally_"),
        "reports": Key(DictOf(ID, REPORT), {}),
        "run": Key(COMMAND, None),
        "remote": Key(REMOTE, None),
        "reads": Key(ListOf(ID), []),
        "writes": Key(ListOf(ID), []),
        "evaluates": Key(ListOf(ID), []),
        "needs": Key(ListOf(ID), []),
        "outputs": Key(ListOf(ENV_NAME), []),
        "blocking": Key(Flag(), True),
    },
    exactly_one=(("run", "remote"),),
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
        "max_mixed": Key(Number(low=0, high=1), None),
    },
)
CONFLICTS = Fields("Conflicts", {"label": Key(TEXT), "max": Key(Number(low=0, high=1), 0)})
REFERENCE = Fields(
    "Reference",
    {
        "artifact": Key(ID),
        "column": Key(TEXT),
        "max_unmatched": Key(Number(low=0, high=1), 0),
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
        "max_duplicates": Key(Number(low=0, high=1), None),
        "conflicts": Key(CONFLICTS, None),
        "references": Key(DictOf(TEXT, REFERENCE), {}),
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
FEATURE = Fields(
    "Feature",
    {
        "tolerance": Key(Number(low=0), None),
        "relative": Key(Number(low=0, high=0.99), None),
    },
)
FEATURE_PARITY = Fields(
    "FeatureParity",
    {
        "offline": Key(ID),
        "online": Key(ID),
        "key": Key(ListOf(TEXT, least=1)),
        "columns": Key(DictOf(TEXT, FEATURE, least=1)),
        "max_mismatch": Key(Number(low=0, high=0.99), 0),
        "max_unmatched_online": Key(Number(low=0, high=0.99), 0),
        "max_unmatched_offline": Key(Number(low=0, high=1), 0),
        "min_n": Key(Int(low=1), 100),
        "confidence": Key(Number(low=0.5, high=0.9999), 0.95),
    },
)
COST = Fields(
    "Cost",
    {"from": Key(ID, attribute="from_"), "max_ms": Key(Number(low=0))},
)
FEATURE_VALUE = Fields(
    "FeatureValue",
    {
        "k": Key(Int(low=1), None),
        "quantile": Key(Number(low=0.001, high=0.999), None),
        "bins": Key(Int(low=2, high=1000), None),
        "label": Key(TEXT, None),
        "score": Key(TEXT, None),
        "scores": Key(DictOf(TEXT, TEXT, least=2), None),
        "prediction": Key(TEXT, None),
        "threshold": Key(Number(), 0.5),
        "query": Key(TEXT, None),
        "series": Key(TEXT, None),
        "time": Key(TEXT, None),
        "lower": Key(TEXT, None),
        "upper": Key(TEXT, None),
        "cluster_key": Key(TEXT, None),
        "predictions": Key(ID),
        "without": Key(DictOf(TEXT, TEXT, least=1)),
        "metric": Key(TEXT),
        "min_gain": Key(Number(low=0), 0),
        "confidence": Key(Number(low=0.5, high=0.9999), 0.95),
        "min_n": Key(Int(low=1), 30),
        "cost": Key(COST, None),
    },
    at_most_one=(("score", "prediction"),),
)
REPRODUCED_METRICS = Fields(
    "ReproducedMetrics",
    {
        "path": Key(PLAIN_PATH),
        "tolerance": Key(DictOf(TEXT, Number(), least=1)),
    },
)
REPRODUCE = Fields(
    "Reproduce",
    {
        "run": Key(COMMAND),
        "outputs": Key(ListOf(PLAIN_PATH, least=1)),
        "metrics": Key(REPRODUCED_METRICS, None),
        "runs": Key(Int(low=2, high=10), 2),
        "seed": Key(Int(low=0, high=4294967295), 17),
        "lock": Key(PLAIN_PATH, None),
        "reads": Key(ListOf(ID), []),
    },
)
SMOKE_OUTPUT = Fields(
    "SmokeOutput",
    {
        "path": Key(PLAIN_PATH),
        "value": Key(TEXT, None),
        "columns": Key(ListOf(TEXT, least=1), None),
        "decreases": Key(Flag(), False),
        "finite": Key(Flag(), True),
    },
)
PIPELINE_SMOKE = Fields(
    "PipelineSmoke",
    {
        "run": Key(COMMAND),
        "outputs": Key(DictOf(ID, SMOKE_OUTPUT, least=1)),
        "reads": Key(ListOf(ID), []),
    },
)
METRIC = Fields(
    "Metric",
    {
        "k": Key(Int(low=1), None),
        "quantile": Key(Number(low=0.001, high=0.999), None),
        "bins": Key(Int(low=2, high=1000), None),
        "min": Key(Number(), None),
        "max": Key(Number(), None),
        "metric": Key(TEXT, None),
        "value": Key(TEXT, None),
        "stderr": Key(TEXT, None),
        "n": Key(TEXT, None),
        "mean": Key(TEXT, None),
    },
)
OVERFIT = Fields(
    "Overfit",
    {"train": Key(ID), "max_gap": Key(DictOf(TEXT, Number(), least=1))},
)
EVALUATE = Fields(
    "Evaluate",
    {
        "label": Key(TEXT, None),
        "score": Key(TEXT, None),
        "scores": Key(DictOf(TEXT, TEXT, least=2), None),
        "prediction": Key(TEXT, None),
        "threshold": Key(Number(), 0.5),
        "query": Key(TEXT, None),
        "series": Key(TEXT, None),
        "time": Key(TEXT, None),
        "lower": Key(TEXT, None),
        "upper": Key(TEXT, None),
        "cluster_key": Key(TEXT, None),
        "metrics_from": Key(ID, None),
        "predictions": Key(ID, None),
        "champion": Key(ID, None),
        "metrics": Key(DictOf(TEXT, METRIC, least=1)),
        "overfit": Key(OVERFIT, None),
        "min_n": Key(Int(low=1), None),
        "confidence": Key(Number(low=0.5, high=0.9999), 0.95),
    },
    exactly_one=(("metrics_from", "predictions"),),
    at_most_one=(("score", "prediction", "scores"),),
)
HOLDOUT = Fields(
    "Holdout",
    {
        "data": Key(ID),
        "records": Key(ID, None),
        "first": Key(Choice("none"), None),
        "budget": Key(Int(low=1, high=1000), 20),
    },
    exactly_one=(("records", "first"),),
)
OLD_DATA = Fields("OldData", {"candidate": Key(ID), "champion": Key(ID)})
COMPARE = Fields(
    "Compare",
    {
        "k": Key(Int(low=1), None),
        "quantile": Key(Number(low=0.001, high=0.999), None),
        "bins": Key(Int(low=2, high=1000), None),
        "label": Key(TEXT, None),
        "score": Key(TEXT, None),
        "scores": Key(DictOf(TEXT, TEXT, least=2), None),
        "prediction": Key(TEXT, None),
        "threshold": Key(Number(), 0.5),
        "query": Key(TEXT, None),
        "series": Key(TEXT, None),
        "time": Key(TEXT, None),
        "lower": Key(TEXT, None),
        "upper": Key(TEXT, None),
        "cluster_key": Key(TEXT, None),
        "candidate": Key(ID),
        "champion": Key(ID, None),
        "baseline": Key(Choice("majority", "prior", "mean", "median"), None),
        "key": Key(TEXT, None),
        "metric": Key(TEXT),
        "margin": Key(Number(low=0), 0),
        "test": Key(Choice("non_inferior", "superior"), "non_inferior"),
        "alpha": Key(Number(low=0.0001, high=0.5), 0.05),
        "power": Key(Number(low=0.5, high=0.9999), 0.8),
        "min_n": Key(Int(low=1), 30),
        "rows": Key(Int(low=1), None),
        "discordance": Key(Number(low=0.0001, high=1), 0.1),
        "holdout": Key(HOLDOUT, None),
        "old_data": Key(OLD_DATA, None),
    },
    exactly_one=(("champion", "baseline"),),
    at_most_one=(("score", "prediction", "scores"),),
)
SLICE_METRIC = Fields(
    "SliceMetric",
    {
        "k": Key(Int(low=1), None),
        "quantile": Key(Number(low=0.001, high=0.999), None),
        "bins": Key(Int(low=2, high=1000), None),
        "min": Key(Number(), None),
        "max": Key(Number(), None),
        "max_drop": Key(Number(low=0), None),
    },
)
SLICE_GAP = Fields(
    "SliceGap",
    {
        "k": Key(Int(low=1), None),
        "quantile": Key(Number(low=0.001, high=0.999), None),
        "bins": Key(Int(low=2, high=1000), None),
        "max": Key(Number(low=0)),
    },
)
SLICES = Fields(
    "Slices",
    {
        "label": Key(TEXT, None),
        "score": Key(TEXT, None),
        "scores": Key(DictOf(TEXT, TEXT, least=2), None),
        "prediction": Key(TEXT, None),
        "threshold": Key(Number(), 0.5),
        "query": Key(TEXT, None),
        "series": Key(TEXT, None),
        "time": Key(TEXT, None),
        "lower": Key(TEXT, None),
        "upper": Key(TEXT, None),
        "cluster_key": Key(TEXT, None),
        "predictions": Key(ID),
        "by": Key(ListOf(Either(TEXT, ListOf(TEXT)), least=1)),
        "metrics": Key(DictOf(TEXT, SLICE_METRIC), {}),
        "gap": Key(DictOf(TEXT, SLICE_GAP), {}),
        "reference": Key(ID, None),
        "key": Key(TEXT, None),
        "min_n": Key(Int(low=30), 200),
        "max_slices": Key(Int(low=2), 200),
        "alpha": Key(Number(low=0.0001, high=0.5), 0.05),
    },
    at_most_one=(("score", "prediction", "scores"),),
)
MODEL_FILE = Fields(
    "ModelFile",
    {
        "path": Key(PATH),
        "format": Key(
            Choice(
                "onnx",
                "safetensors",
                "xgboost",
                "lightgbm",
                "json",
                "text",
            ),
        ),
    },
)
TENSOR_SPEC = Fields(
    "TensorSpec",
    {
        "name": Key(TEXT, None),
        "type": Key(
            Choice(
                "float32",
                "float64",
                "float16",
                "bfloat16",
                "int8",
                "int16",
                "int32",
                "int64",
                "uint8",
                "uint16",
                "uint32",
                "uint64",
                "bool",
                "string",
                "sequence",
                "map",
            ),
        ),
        "shape": Key(ListOf(Either(Int(), Choice("any"))), None),
    },
)
OPSET = Fields("Opset", {"min": Key(Int(low=1), 1), "max": Key(Int(low=1), None)})
OPERATORS = Fields(
    "Operators",
    {
        "domains": Key(ListOf(TEXT), []),
        "allow": Key(ListOf(TEXT, least=1), None),
        "deny": Key(ListOf(TEXT), []),
    },
)
VERIFY = Fields("Verify", {"run": Key(COMMAND)})
ARTIFACT_GATE = Fields(
    "ArtifactGate",
    {
        "format": Key(
            Choice(
                "onnx",
                "safetensors",
                "xgboost",
                "lightgbm",
                "json",
                "text",
            ),
            None,
        ),
        "files": Key(ListOf(MODEL_FILE, least=1), None),
        "max_size": Key(TEXT, None),
        "digest": Key(TEXT, None),
        "inputs": Key(DictOf(TEXT, TENSOR_SPEC, least=1), None),
        "outputs": Key(DictOf(TEXT, TENSOR_SPEC, least=1), None),
        "opset": Key(OPSET, None),
        "operators": Key(OPERATORS, None),
        "schema_of": Key(ID, None),
        "metadata": Key(PATH, None),
        "features": Key(TEXT, None),
        "lineage": Key(DictOf(ID, TEXT, least=1), None),
        "statement": Key(ID, None),
        "verify": Key(VERIFY, None),
    },
    exactly_one=(("format", "files"),),
)
LATENCY_LIMIT = Fields("LatencyLimit", {"max": Key(LATENCY)})
MEMORY_LIMIT = Fields("MemoryLimit", {"max": Key(SIZE)})
SERVED_CHAMPION = Fields(
    "ServedChampion",
    {
        "run": Key(COMMAND),
        "max_latency_ratio": Key(Number(low=0.01), None),
        "max_memory_ratio": Key(Number(low=0.01), None),
    },
)
SERVE = Fields(
    "Serve",
    {
        "run": Key(COMMAND),
        "protocol": Key(Choice("http", "jsonl"), "http"),
        "golden": Key(PLAIN_PATH),
        "tolerance": Key(Number(low=0), 0),
        "trace": Key(TEXT, None),
        "ready": Key(TEXT, "/health"),
        "path": Key(TEXT, "/predict"),
        "start_within": Key(DURATION, "60s"),
        "answer_within": Key(DURATION, "10s"),
        "latency_p95": Key(LATENCY_LIMIT, None),
        "memory": Key(MEMORY_LIMIT, None),
        "champion": Key(SERVED_CHAMPION, None),
        "requests": Key(Int(low=80, high=100000), 200),
        "warmup": Key(Int(low=0, high=100000), 20),
        "reads": Key(ListOf(ID), []),
    },
)
ANSWERS = Fields(
    "Answers",
    {
        "url": Key(TEXT, None),
        "token": Key(ENV_NAME, None),
        "golden": Key(PLAIN_PATH),
        "tolerance": Key(Number(low=0), 0),
        "trace": Key(TEXT, None),
        "ready": Key(TEXT, "/health"),
        "path": Key(TEXT, "/predict"),
        "ready_within": Key(DURATION, "60s"),
        "answer_within": Key(DURATION, "10s"),
        "latency_p95": Key(LATENCY_LIMIT, None),
        "requests": Key(Int(low=80, high=100000), 200),
        "warmup": Key(Int(low=0, high=100000), 20),
    },
)
CANARY_RATE = Fields(
    "CanaryRate",
    {
        "max": Key(Number(low=1e-06, high=0.999)),
        "worse_than_control": Key(Number(low=1, high=1000), None),
        "over": Key(LATENCY, None),
        "count": Key(TEXT, None),
    },
)
CANARY_METRIC = Fields(
    "CanaryMetric",
    {
        "rate": Key(CANARY_RATE, None),
        "histogram": Key(TEXT, None),
        "on_drift": Key(Choice("hold", "fail"), None),
    },
    exactly_one=(("rate", "histogram"),),
)
CANARY_JUDGE = Fields(
    "CanaryJudge",
    {
        "alpha": Key(Number(low=0.0001, high=0.2), 0.05),
        "min_bad": Key(Int(low=1, high=1000), 3),
        "min_requests": Key(Int(low=1, high=1000000000), 100),
    },
)
PROMETHEUS_SOURCE = Fields(
    "PrometheusSource",
    {
        "url": Key(TEXT),
        "token": Key(ENV_NAME, None),
        "arm": Key(TEXT, "arm"),
        "candidate": Key(TEXT, "candidate"),
        "control": Key(TEXT, "control"),
        "queries": Key(DictOf(TEXT, TEXT, least=1)),
    },
)
CANARY_SOURCE = Fields(
    "CanarySource",
    {
        "file": Key(PLAIN_PATH, None),
        "file_from": Key(ID, None),
        "command": Key(COMMAND, None),
        "prometheus": Key(PROMETHEUS_SOURCE, None),
    },
    exactly_one=(("file", "file_from", "command", "prometheus"),),
)
CANARY_LIVENESS = Fields(
    "CanaryLiveness",
    {"url": Key(TEXT), "fail_after": Key(Int(low=1, high=100), 2)},
)
CANARY_TRAFFIC = Fields(
    "CanaryTraffic",
    {
        "expected_rps": Key(Number(low=1e-06)),
        "routing": Key(Choice("per-request", "sticky"), "per-request"),
    },
)
CANARY = Fields(
    "Canary",
    {
        "metrics": Key(DictOf(ID, CANARY_METRIC, least=1)),
        "judge": Key(CANARY_JUDGE, CANARY_JUDGE),
        "observations": Key(CANARY_SOURCE),
        "weight": Key(Number(low=0.01, high=99.99)),
        "bake": Key(DURATION, "10m"),
        "max_extend": Key(FACTOR, "1x"),
        "every": Key(DURATION, "30s"),
        "max_age": Key(DURATION, "5m"),
        "fail_after": Key(Int(low=1, high=100), 2),
        "liveness": Key(CANARY_LIVENESS, None),
        "from_zero": Key(Flag(), False),
        "traffic": Key(CANARY_TRAFFIC, None),
    },
)
EVIDENCE = Fields(
    "Evidence",
    {
        "topic": Key(
            Choice(
                "model_card",
                "review",
                "proxy_metric_study",
                "tuning_study",
                "staleness",
                "dependency_diff",
                "feature_lead_time",
                "privacy_review",
            ),
        ),
        "record": Key(PLAIN_PATH, None),
        "record_from": Key(ID, None),
        "date": Key(TEXT, "date"),
        "max_age": Key(DURATION),
        "about": Key(ListOf(ID), None),
        "sections": Key(ListOf(TEXT), []),
        "fields": Key(ListOf(TEXT), []),
        "signed_by": Key(ListOf(TEXT), []),
    },
    exactly_one=(("record", "record_from"),),
)
COMMAND_GATE = Fields("CommandGate", {"run": Key(COMMAND)})
GATE = Fields(
    "Gate",
    {
        "profile": Key(ID, None),
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
        "path": Key(ListOf(SOURCE), []),
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
        "feature_parity": Key(FEATURE_PARITY, None),
        "feature_value": Key(FEATURE_VALUE, None),
        "reproduce": Key(REPRODUCE, None),
        "pipeline_smoke": Key(PIPELINE_SMOKE, None),
        "evaluate": Key(EVALUATE, None),
        "compare": Key(COMPARE, None),
        "slices": Key(SLICES, None),
        "artifact": Key(ARTIFACT_GATE, None),
        "serve": Key(SERVE, None),
        "answers": Key(ANSWERS, None),
        "canary": Key(CANARY, None),
        "evidence": Key(EVIDENCE, None),
        "command": Key(COMMAND_GATE, None),
    },
    exactly_one=(
        (
            "tests",
            "contract",
            "leakage",
            "drift",
            "feature_parity",
            "feature_value",
            "reproduce",
            "pipeline_smoke",
            "evaluate",
            "compare",
            "slices",
            "artifact",
            "serve",
            "answers",
            "canary",
            "evidence",
            "command",
        ),
    ),
    at_most_one=(("python", "image"),),
)
NGINX_ADAPTER = Fields(
    "NginxAdapter",
    {
        "name": Key(ID),
        "folder": Key(TEXT),
        "ports": Key(ListOf(Int(low=1, high=65535), least=3)),
        "status": Key(Int(low=1, high=65535)),
        "start": Key(COMMAND),
        "stop": Key(COMMAND),
        "liveness": Key(TEXT, "/"),
        "start_within": Key(DURATION, "60s"),
        "keep": Key(Int(low=0, high=100), 3),
        "reload": Key(COMMAND, "nginx -t -q && nginx -s reload"),
    },
)
KSERVE_ADAPTER = Fields(
    "KserveAdapter",
    {
        "service": Key(TEXT),
        "namespace": Key(TEXT, "default"),
        "storage_uri": Key(TEXT),
        "publish": Key(COMMAND, None),
    },
)
ARGO_ROLLOUTS_ADAPTER = Fields(
    "ArgoRolloutsAdapter",
    {
        "rollout": Key(TEXT),
        "namespace": Key(TEXT, "default"),
        "container": Key(TEXT),
        "image": Key(TEXT),
        "publish": Key(COMMAND, None),
    },
)
SAGEMAKER_ADAPTER = Fields("SagemakerAdapter", {"endpoint": Key(TEXT), "publish": Key(COMMAND)})
VERTEX_ADAPTER = Fields(
    "VertexAdapter",
    {
        "endpoint": Key(TEXT),
        "region": Key(TEXT),
        "project": Key(TEXT),
        "model": Key(TEXT),
        "machine_type": Key(TEXT),
        "replicas": Key(Int(low=1, high=10000), 1),
        "publish": Key(COMMAND),
    },
)
MLFLOW_ALIAS_ADAPTER = Fields(
    "MlflowAliasAdapter",
    {
        "url": Key(TEXT),
        "model": Key(TEXT),
        "alias": Key(TEXT, "champion"),
        "publish": Key(COMMAND),
        "token": Key(ENV_NAME, None),
    },
)
ADAPTER = Fields(
    "Adapter",
    {
        "command": Key(COMMAND, None),
        "nginx": Key(NGINX_ADAPTER, None),
        "kserve": Key(KSERVE_ADAPTER, None),
        "argo_rollouts": Key(ARGO_ROLLOUTS_ADAPTER, None),
        "sagemaker": Key(SAGEMAKER_ADAPTER, None),
        "vertex": Key(VERTEX_ADAPTER, None),
        "mlflow_alias": Key(MLFLOW_ALIAS_ADAPTER, None),
    },
    exactly_one=(
        (
            "command",
            "nginx",
            "kserve",
            "argo_rollouts",
            "sagemaker",
            "vertex",
            "mlflow_alias",
        ),
    ),
)
CANARY_STEP = Fields(
    "CanaryStep",
    {"weight": Key(Number(low=0.01, high=99.99)), "bake": Key(DURATION, None)},
)
RELEASE_CANARY = Fields(
    "ReleaseCanary",
    {
        "metrics": Key(DictOf(ID, CANARY_METRIC, least=1)),
        "judge": Key(CANARY_JUDGE, CANARY_JUDGE),
        "steps": Key(ListOf(Either(Number(), CANARY_STEP), least=1)),
        "bake": Key(DURATION, "15m"),
        "max_extend": Key(FACTOR, "1x"),
        "watch_first": Key(DURATION, None),
        "every": Key(DURATION, "30s"),
        "max_age": Key(DURATION, "5m"),
        "fail_after": Key(Int(low=1, high=100), 2),
        "liveness": Key(CANARY_LIVENESS, None),
        "observations": Key(CANARY_SOURCE),
        "on_inconclusive": Key(Choice("rollback", "hold"), "rollback"),
        "traffic": Key(CANARY_TRAFFIC, None),
    },
)
VERIFICATION = Fields(
    "Verification",
    {"answers": Key(ANSWERS, None), "command": Key(COMMAND_GATE, None)},
    exactly_one=(("answers", "command"),),
)
AFTER_PROMOTE = Fields("AfterPromote", {"watch": Key(DURATION)})
PREVIEW = Fields(
    "Preview",
    {
        "run": Key(COMMAND),
        "report": Key(PLAIN_PATH, None),
        "env": Key(
            DictOf(ENV_NAME, Either(FREE_TEXT, Number(), Flag(), VALUE_REF)),
            {},
        ),
    },
)
ROLLBACK = Fields(
    "Rollback",
    {
        "run": Key(COMMAND, None),
        "timeout": Key(DURATION, "10m"),
        "drain": Key(DURATION, None),
        "lease": Key(DURATION, None),
        "reconcile": Key(Either(ID, ListOf(ID, least=1)), None),
        "manual": Key(Either(ID, ListOf(ID, least=1)), None),
    },
)
RELEASE = Fields(
    "Release",
    {
        "profile": Key(ID, None),
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
        "path": Key(ListOf(SOURCE), []),
        "checkout": Key(Either(CHECKOUT, Choice("none")), None),
        "finally": Key(COMMAND, None, attribute="finally_"),
        "reports": Key(DictOf(ID, REPORT), {}),
        "run": Key(COMMAND, None),
        "adapter": Key(ADAPTER, None),
        "canary": Key(RELEASE_CANARY, None),
        "deploys": Key(ListOf(ID, least=1)),
        "verify": Key(VERIFICATION, None),
        "after_promote": Key(AFTER_PROMOTE, None),
        "preview": Key(PREVIEW, None),
        "rollback": Key(Either(ROLLBACK, Choice("none")), None),
        "reads": Key(ListOf(ID), []),
        "needs": Key(ListOf(ID), []),
    },
    exactly_one=(("run", "adapter"),),
    at_most_one=(("python", "image"),),
)
NOTICE_CONDITION = Fields(
    "NoticeCondition",
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
        "status": Key(
            Either(
                Choice("failure", "success", "rollback"),
                ListOf(Choice("failure", "success", "rollback"), least=1),
            ),
            None,
        ),
        "job": Key(ID, None),
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
    },
)
WEBHOOK = Fields(
    "Webhook",
    {"secret": Key(SECRET_NAME, None), "var": Key(SECRET_NAME, None)},
    exactly_one=(("secret", "var"),),
)
EMAIL = Fields(
    "Email",
    {
        "to": Key(Either(ADDRESS, ListOf(ADDRESS, least=1))),
        "from": Key(ADDRESS, attribute="from_"),
        "server": Key(SERVER),
        "tls": Key(Choice("starttls", "implicit"), None),
        "user": Key(TEXT, None),
        "password": Key(TOKEN_REF, None),
    },
)
ISSUE = Fields(
    "Issue",
    {"labels": Key(ListOf(TEXT), []), "token": Key(TOKEN_REF, None)},
)
NOTICE = Fields(
    "Notice",
    {
        "when": Key(
            Either(NOTICE_CONDITION, ListOf(NOTICE_CONDITION, least=1)),
            None,
        ),
        "webhook": Key(WEBHOOK, None),
        "slack": Key(WEBHOOK, None),
        "email": Key(EMAIL, None),
        "issue": Key(ISSUE, None),
        "events": Key(
            ListOf(
                Choice("promoted", "rolled_back", "held", "failed"),
                least=1,
            ),
            None,
        ),
        "releases": Key(ListOf(ID, least=1), None),
    },
    exactly_one=(("webhook", "slack", "email", "issue"),),
)
COMMENT = Fields("Comment", {"token": Key(TOKEN_REF, None)})
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
        "params": Key(DictOf(ID, PARAM), {}),
        "instances": Key(DictOf(ID, INSTANCE, least=1), {}),
        "triggers": Key(TRIGGERS),
        "defaults": Key(DEFAULTS, DEFAULTS),
        "profiles": Key(DictOf(ID, PROFILE), {}),
        "runners": Key(DictOf(ID, RUNNER), {}),
        "environments": Key(DictOf(ID, ENVIRONMENT), {}),
        "auth": Key(AUTH, AUTH),
        "store": Key(STORE, None),
        "artifacts": Key(DictOf(ID, ARTIFACT), {}),
        "jobs": Key(DictOf(ID, JOB), {}),
        "gates": Key(DictOf(ID, GATE), {}),
        "releases": Key(DictOf(ID, RELEASE), {}),
        "notify": Key(DictOf(ID, NOTICE), {}),
        "comment": Key(Either(Flag(), COMMENT), False),
        "targets": Key(TARGETS, TARGETS),
    },
)
