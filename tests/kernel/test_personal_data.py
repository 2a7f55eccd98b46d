"""Personal data is found before it travels."""

from __future__ import annotations

import pytest

from kernel.privacy import personal_data_in


@pytest.mark.parametrize(
    "body",
    [
        {"recipient_name": "王小明"}, {"a": {"mobile": 13912345678}}, {"list": [{"address": "x"}]}, {"code": "4711"},
        {"text": "请拨打13912345678"}, {"t": "+86 139 1234 5678"}, {"id": "11010519491231002X"}, {"otp": "123456"},
    ],
)  # fmt: skip
def test_personal_data_is_found_wherever_it_hides(body: dict[str, object]) -> None:
    """By the name of the field or by its look, at any depth."""
    assert list(personal_data_in(body))


@pytest.mark.parametrize(
    "body",
    [
        {"waybill": "13912345678"}, {"reason_code": "expired"}, {"product_name": "x"}, {"name": ""}, {"weight_g": 800},
        {"hash": "a13912345678b"}, {"number": "139123456789"}, {"recipient_name_masked": "王**"},
    ],
)  # fmt: skip
def test_ids_and_masked_forms_may_travel(body: dict[str, object]) -> None:
    """Waybills, reason codes, digests and masked forms are no personal data."""
    assert list(personal_data_in(body)) == []
