"""The types of statements about a run (https://github.com/in-toto/attestation, spec/v1): what each one says.

Standard library only: bundled into emitted scripts.
"""

from __future__ import annotations

STATEMENT = "https://in-toto.io/Statement/v1"
RECORD = "https://mlcc.dev/lineage/1"
PROVENANCE = "https://slsa.dev/provenance/v1"
TEST_RESULT = "https://in-toto.io/attestation/test-result/v0.1"
