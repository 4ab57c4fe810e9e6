"""The parameters of a `command` gate."""

from __future__ import annotations

from pydantic import Field

from mlcc.spec.base import Command, Model


class CommandGate(Model):
    """Runs your program: exit code 0 pass, 1 fail, 3 inconclusive, anything else error.

    The program may write {"verdict", "summary", "checks"} as JSON to the file that $MLCC_VERDICT names;
    a file that contradicts the exit code is an error.
    """

    run: Command = Field(description="The program: one bash process together with `setup`, in strict mode.")


PARAMS = CommandGate
