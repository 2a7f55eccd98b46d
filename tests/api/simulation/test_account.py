"""The evening's account finds what does not add up, whoever got it wrong."""

from __future__ import annotations

from api.simulation.account import Account, Fact, Standing, account

WANG, LI = "courier:wang", "courier:li"


def _delivered(parcel_id: str) -> list[Fact]:
    return [
        Fact(parcel_id, "announced", taker="company:a"),
        Fact(parcel_id, "arrived", taker="office:x"),
        Fact(parcel_id, "sectioned"),
        Fact(parcel_id, "loaded", taker=WANG),
        Fact(parcel_id, "departed"),
        Fact(parcel_id, "delivered", giver=WANG),
    ]


def _done(parcel_id: str) -> Standing:
    return Standing(parcel_id, "a", "delivered", "recipient", "none")


def _broken(found: Account) -> dict[str, tuple[str, ...]]:
    return {f"{one.code} {one.whose}": one.different for one in found.identities if not one.holds}


def test_cus_21_22_23_a_delivered_parcel_balances_everywhere() -> None:
    """A parcel that arrived, was assigned, loaded and delivered leaves nothing open."""
    found = account(_delivered("p"), [_done("p")], {})
    assert found.holds
    assert found.places == {"delivered": 1}
    assert [one.code for one in found.identities] == ["CUS-21", "CUS-22", "CUS-23"]


def test_cus_21_a_parcel_that_arrived_and_is_nowhere_is_named() -> None:
    """A parcel that came in and is neither assigned nor in stock is a difference of the office."""
    facts = [Fact("p", "arrived", taker="office:x")]
    found = account(facts, [Standing("p", "a", "in_office", "nobody", "section")], {})
    assert _broken(found) == {"CUS-21 a": ("p",)}
    assert list(found.unexplained) == ["p"]


def test_cus_22_an_assigned_parcel_without_feedback_is_named() -> None:
    """A parcel that went out and of which nobody told anything keeps the shift open."""
    facts = _delivered("p")[:-1]
    found = account(facts, [Standing("p", "a", "out_for_delivery", WANG, "deliver")], {})
    assert _broken(found) == {"CUS-22 a": ("p",), f"CUS-23 {WANG}": ("p",)}
    assert found.unexplained == {"p": "out_for_delivery, with courier:wang, next deliver"}


def test_cus_22_a_failed_attempt_without_next_action_does_not_count() -> None:
    """Who could not deliver says why and what next, or has not told."""
    facts = [*_delivered("p")[:-1], Fact("p", "attempted", cause="NOBODY_HOME")]
    assert "CUS-22 a" in _broken(account(facts, [Standing("p", "a", "attempted", WANG, "investigate")], {}))


def test_cus_23_goods_handed_over_leave_one_vehicle_and_enter_the_other() -> None:
    """After a breakdown both couriers balance, the one who gave and the one who took."""
    moved = [Fact("p", "handed_over", giver=WANG, taker=LI), Fact("p", "received", giver=WANG, taker=LI)]
    facts = [*_delivered("p")[:-1], *moved, Fact("p", "delivered", giver=LI)]
    assert account(facts, [_done("p")], {}).holds
    unsigned = [fact for fact in facts if fact.type != "received"]
    assert _broken(account(unsigned, [_done("p")], {})) == {f"CUS-23 {LI}": ("p",)}


def test_a_parcel_tried_and_brought_back_is_explained_by_its_attempt() -> None:
    """What comes back in the evening is in stock with the cause of its failed attempt."""
    back = [
        Fact("p", "attempted", cause="NOBODY_HOME", next_action="redeliver"),
        Fact("p", "returned_to_office", giver=WANG, taker="office:x"),
    ]
    standing = Standing("p", "a", "in_office", "office:x", "redeliver")
    found = account([*_delivered("p")[:-1], *back], [standing], {})
    assert found.holds
    assert found.places == {"office: NOBODY_HOME": 1}


def test_a_parcel_on_no_route_needs_a_reason() -> None:
    """Stock that nobody planned is explained by its reason, and by nothing else."""
    facts = [Fact("p", "arrived", taker="office:x")]
    standing = Standing("p", "a", "in_office", "office:x", "section")
    assert account(facts, [standing], {"p": "NO_CONSENT"}).places == {"office: NO_CONSENT": 1}
    assert list(account(facts, [standing], {}).unexplained) == ["p"]


def test_a_parcel_left_with_a_courier_is_never_explained() -> None:
    """No parcel stays on a vehicle over night, whatever reason there is."""
    standing = Standing("p", "a", "attempted", WANG, "redeliver")
    facts = [*_delivered("p")[:-1], Fact("p", "attempted", cause="NOBODY_HOME", next_action="redeliver")]
    assert list(account(facts, [standing], {"p": "NO_VEHICLE"}).unexplained) == ["p"]
