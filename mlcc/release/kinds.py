"""The adapters that the emitted script knows. Standard library only: bundled into it."""

from __future__ import annotations

from mlcc.release.adapters.argo_rollouts.runtime import ArgoRolloutsAdapter
from mlcc.release.adapters.command.runtime import CommandAdapter
from mlcc.release.adapters.kserve.runtime import KserveAdapter
from mlcc.release.adapters.mlflow_alias.runtime import MlflowAliasAdapter
from mlcc.release.adapters.nginx.runtime import NginxAdapter
from mlcc.release.adapters.sagemaker.runtime import SagemakerAdapter
from mlcc.release.adapters.vertex.runtime import VertexAdapter

DRIVEN = {
    "command": CommandAdapter,
    "nginx": NginxAdapter,
    "kserve": KserveAdapter,
    "argo_rollouts": ArgoRolloutsAdapter,
    "sagemaker": SagemakerAdapter,
    "vertex": VertexAdapter,
    "mlflow_alias": MlflowAliasAdapter,
}
