"""GitLab's figures, each with its source. Read in November 2026. Most are defaults that an administrator can change."""

from __future__ import annotations

from mlcc.backends import Limit

_INSTANCE = "https://docs.gitlab.com/administration/instance_limits/"
_SYNTAX = "https://docs.gitlab.com/ci/yaml/"

NEEDS = Limit("jobs that one waits for (each leg counts)", 50, "jobs", _SYNTAX + "#needs")
MATRIX = Limit("matrix legs", 200, "jobs", _SYNTAX + "#parallelmatrix")
PARENT = Limit("parent pipeline's file", 2_097_152, "bytes", _INSTANCE, share=0.9)
CHILD = Limit("child pipeline's file", 2_097_152, "bytes", _INSTANCE, share=0.9)
DEPLOYMENTS = Limit("jobs with an environment", 500, "jobs", _INSTANCE)
CACHES = Limit("caches of a job", 4, "caches", _SYNTAX + "#cache")
KEY_FILES = Limit("files that name a cache", 2, "files", _SYNTAX + "#cachekeyfiles")
JOB_NAME = Limit("name of a job", 255, "characters", "https://docs.gitlab.com/ci/jobs/#job-names")

LIMITS = (NEEDS, MATRIX, PARENT, CHILD, DEPLOYMENTS, CACHES, KEY_FILES, JOB_NAME)
