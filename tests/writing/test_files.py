"""The marker: what is sealed, what counts as intact, whose it is."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlcc.writing.files import BLANK_DIGEST, is_generated, is_intact, marker_line, origin, seal, unsealed


def test_the_digest_is_the_sha256_of_the_file_with_the_digits_zeroed() -> None:
    text = f"# mlcc:generated sha256={BLANK_DIGEST}\nname: ci\n"
    expected = hashlib.sha256(text.encode()).hexdigest()
    assert seal(text) == f"# mlcc:generated sha256={expected}\nname: ci\n"


def test_the_marker_names_its_spec() -> None:
    assert marker_line("mlcc.yaml") == f"mlcc:generated from=mlcc.yaml sha256={BLANK_DIGEST}"
    assert marker_line() == f"mlcc:generated sha256={BLANK_DIGEST}"
    assert origin(marker_line("models/churn/mlcc.yaml")) == "models/churn/mlcc.yaml"
    assert origin(marker_line()) is None
    assert origin("name: ci\n") is None


def test_json_carries_the_marker_in_a_string() -> None:
    marker = f"mlcc:generated sha256={BLANK_DIGEST} from mlcc.yaml; do not edit"
    sealed = seal(f'{{\n "mlcc": "{marker}",\n "kind": "tests"\n}}\n')
    assert is_intact(sealed)
    assert not is_intact(sealed.replace("tests", "test"))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "name: ci\n",
        "# mlcc:generated\n",
        f"# mlcc:generated sha256={'0' * 63}\n",
        f"# mlcc:generated sha256={'0' * 65}\n",
        f"# mlcc:generated sha256={'A' * 64}\n",
        "#\n" * 3000 + f"# mlcc:generated sha256={BLANK_DIGEST}\n",
    ],
)
def test_a_text_without_the_marker_near_its_top_is_not_ours(text: str) -> None:
    assert not is_generated(text)
    assert not is_intact(text)
    assert unsealed(text) == text
    with pytest.raises(ValueError, match="no marker"):
        seal(text)


def test_an_unsealed_marker_is_not_intact() -> None:
    assert is_generated(f"# {marker_line('mlcc.yaml')}\n")
    assert not is_intact(f"# {marker_line('mlcc.yaml')}\n")


@given(st.text(), st.text(min_size=1).filter(lambda text: not any(0xD800 <= ord(c) <= 0xDFFF for c in text)))
def test_a_sealed_text_is_intact_and_any_change_of_its_body_shows(body: str, source: str) -> None:
    body = body.encode("utf-8", "replace").decode()
    sealed = seal(f"# {marker_line(source)}\n{body}")
    assert is_intact(sealed)
    assert origin(sealed) == source
    assert seal(sealed) == sealed
    assert not is_intact(sealed + "x")
    assert sealed.splitlines()[0].isascii()
    assert sealed.splitlines()[0].isprintable()


def test_bytes_that_are_not_utf8_read_as_edited() -> None:
    sealed = seal(f"# {marker_line()}\nname: ci\n")
    assert not is_intact((sealed.encode() + b"\xff").decode("utf-8", "surrogateescape"))
