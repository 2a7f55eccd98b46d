"""The tree of errors."""

from __future__ import annotations

import pytest

from kernel.errors import CundaError, InputError, NotFoundError, registered_errors


def test_every_error_has_a_code_and_a_remedy_of_its_own() -> None:
    """Whoever meets an error is told a stable code and what to do."""
    for code, error in registered_errors().items():
        assert error.code == code
        assert error.remedy.endswith("."), code
        assert 400 <= error.status < 600, code
        assert error.__doc__, code


def test_an_error_without_a_code_cannot_be_declared() -> None:
    """A new kind of error is refused at import when its author forgot the code."""
    with pytest.raises(TypeError, match="code of its own"):
        type("NamelessError", (InputError,), {})


def test_two_errors_cannot_share_a_code() -> None:
    """A screen that translates codes never meets one code with two meanings."""
    with pytest.raises(TypeError, match="taken by NotFoundError"):
        type("OtherError", (InputError,), {"code": NotFoundError.code})


def test_an_error_travels_as_json() -> None:
    """An error carries message, remedy and parameters for the screen."""
    error = InputError("row 3: weight is missing", remedy="Fill the weight.", row=3)
    assert error.as_dict() == {
        "code": "input",
        "message": "row 3: weight is missing",
        "remedy": "Fill the weight.",
        "params": {"row": 3},
    }
    assert isinstance(error, CundaError)
