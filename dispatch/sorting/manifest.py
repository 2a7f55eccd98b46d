"""A route's manifest (路单) as a page to print: server-rendered HTML with barcodes, without JavaScript.

Names, phones and addresses are masked as on a label (LAW-09): paper gets lost. What the courier needs in full is on
the handheld.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from typing import Final, Literal

from dispatch.parcels.model import Parcel
from dispatch.plans.routes import PlannedRoute, PlannedStop
from dispatch.promises.clocks import Promise
from dispatch.sorting.barcodes import svg
from dispatch.sorting.errors import BarcodeError
from dispatch.sorting.plan import SortPlan, SortRoute
from kernel.clock import at_second
from kernel.money import Fen, format_yuan
from kernel.privacy import masked

Language = Literal["zh", "en"]

_WORDS: Final[dict[str, tuple[str, str]]] = {
    "title": ("路单", "Route manifest"),
    "route": ("路线", "Route"),
    "vehicle": ("车辆", "Vehicle"),
    "courier": ("投递员", "Courier"),
    "leaves": ("出班", "Leaves"),
    "back": ("返回", "Back"),
    "chute": ("格口", "Chute"),
    "version": ("计划版本", "Plan version"),
    "bags": ("装车顺序（后进先出）", "Order of loading (last in, first out)"),
    "bag": ("袋", "Bag"),
    "pieces": ("件数", "Pieces"),
    "kg": ("千克", "kg"),
    "stops": ("停靠点", "Stops"),
    "label": ("签号", "Label"),
    "arrival": ("预计到达", "Arrival"),
    "place": ("地点", "Place"),
    "waybill": ("运单", "Waybill"),
    "recipient": ("收件人", "Recipient"),
    "ask": ("交付要求", "To be shown"),
    "deadline": ("时限", "Deadline"),
    "collect": ("揽收", "collect"),
    "plain": ("普通", "plain"),
    "listed": ("保价", "valuables"),
    "cold": ("冷藏", "cold"),
    "cod": ("代收", "COD"),
    "sign": ("交接签字", "Signatures at hand-over"),
    "office": ("内部处理", "Office"),
    "masked": (
        "姓名、电话和地址已隐去部分内容；完整信息见手持终端。",
        "Names, phones and addresses are masked; the handheld shows them in full.",
    ),
}
_EVIDENCE: Final[dict[str, tuple[str, str]]] = {
    "photo": ("拍照", "photo"),
    "signature": ("签名", "signature"),
    "code": ("密码", "code"),
    "identity": ("核验证件", "identity document"),
    "scan": ("扫描", "scan"),
    "device_event": ("设备记录", "device event"),
    "temperature": ("测温", "temperature"),
    "weight": ("称重", "weight"),
    "money": ("收款", "money"),
}
_SHOWN_DEMANDS: Final = ("required", "warn")
_STYLE: Final = """
body{font:13px/1.4 "PingFang SC","Noto Sans CJK SC","Microsoft YaHei",system-ui,sans-serif;margin:14mm;color:#111}
h1{font-size:22px;margin:0 0 2mm}h2{font-size:15px;margin:6mm 0 2mm}
dl{display:flex;flex-wrap:wrap;gap:1mm 8mm;margin:0}dt{color:#444;display:inline}
dd{display:inline;margin:0;font-weight:600}
table{border-collapse:collapse;width:100%}th,td{border-bottom:1px solid #999;padding:1.2mm 1.5mm;text-align:left;
vertical-align:top}th{font-weight:600;border-bottom:2px solid #111}td.n,th.n{text-align:right;white-space:nowrap}
tr{break-inside:avoid}thead{display:table-header-group}.code{display:block}small{color:#444}
.sign{display:flex;gap:10mm;margin-top:8mm}.sign p{flex:1;border-top:1px solid #111;padding-top:1mm}
@page{size:A4;margin:12mm}@media print{body{margin:0}}
"""


@dataclass(frozen=True)
class ManifestSource:
    """What a manifest is made of.

    Attributes
    ----------
    parcels, promises
        Of every parcel on the route, by id.
    """

    plan: SortPlan
    sorted_route: SortRoute
    route: PlannedRoute
    parcels: Mapping[str, Parcel]
    promises: Mapping[str, Promise]


def manifest_html(source: ManifestSource, language: Language = "zh") -> str:
    """Write a route's manifest: its bags in the order of loading, then its stops in the order of driving."""
    words = {name: pair[language == "en"] for name, pair in _WORDS.items()}
    route = source.sorted_route
    title = f"{words['title']} · {words['route']} {route.number}"
    return (
        f'<!doctype html><html lang="{"en" if language == "en" else "zh-CN"}"><head><meta charset="utf-8">'
        f"<title>{escape(title)} · {source.plan.day}</title><style>{_STYLE}</style></head><body>"
        f"<h1>{escape(title)}</h1>{_facts(source, words)}"
        f"<h2>{words['bags']}</h2>{_bags(route, words)}"
        f"<h2>{words['stops']}</h2>{_stops(source, words, language)}"
        f"<p><small>{words['masked']}</small></p><h2>{words['sign']}</h2>"
        f'<div class="sign"><p>{words["office"]}</p><p>{words["courier"]}</p></div></body></html>'
    )


def _facts(source: ManifestSource, words: Mapping[str, str]) -> str:
    plan, route = source.plan, source.sorted_route
    facts = (
        (plan.region, str(plan.day)),
        (words["vehicle"], route.plate or route.vehicle_id),
        (words["courier"], route.courier),
        (words["leaves"], _time(plan, source.route.start_s)),
        (words["back"], _time(plan, source.route.end_s)),
        (words["chute"], f"{route.chute} / {route.wave}"),
        (words["version"], str(plan.version_number)),
    )
    return "<dl>" + "".join(f"<div><dt>{escape(n)} </dt><dd>{escape(v)}</dd></div>" for n, v in facts) + "</dl>"


def _time(plan: SortPlan, second: int) -> str:
    return f"{at_second(plan.day, second, plan.zone):%H:%M}"


def _bags(route: SortRoute, words: Mapping[str, str]) -> str:
    rows = "".join(
        f'<tr><td class="n">{bag.bag_order}</td><td>{svg(bag.code)}{bag.code}</td><td>{words[bag.kind]}</td>'
        f'<td class="n">{bag.parcels}</td><td class="n">{bag.weight_g / 1000:.1f}</td>'
        f"<td>{', '.join(str(label) for label in bag.stop_labels)}</td></tr>"
        for bag in route.bags
    )
    heads = f'<th class="n">#</th><th>{words["bag"]}</th><th></th><th class="n">{words["pieces"]}</th>'
    heads += f'<th class="n">{words["kg"]}</th><th>{words["label"]}</th>'
    return f"<table><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>"


def _stops(source: ManifestSource, words: Mapping[str, str], language: Language) -> str:
    heads = "".join(
        f"<th>{words[name]}</th>"
        for name in ("label", "arrival", "place", "waybill", "bag", "recipient", "deadline", "ask")
    )
    rows = "".join(_stop(source, one, words, language) for one in source.route.stops)
    return f"<table><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>"


def _stop(source: ManifestSource, one: PlannedStop, words: Mapping[str, str], language: Language) -> str:
    stop = one.stop
    bags = {parcel.facts.parcel_id: parcel.bag.rpartition("-")[2] for parcel in source.sorted_route.parcels}
    rows = []
    for number, parcel_id in enumerate(stop.parcel_ids):
        parcel = source.parcels[parcel_id]
        first = (
            f"<td><strong>{one.visit.label}</strong></td><td>{_time(source.plan, one.arrival_s)}</td>"
            f"<td>{escape(stop.name)}</td>"
            if not number
            else "<td></td><td></td><td></td>"
        )
        bag = bags.get(parcel_id, words["collect"])
        rows.append(
            f"<tr>{first}<td>{_barcode(parcel.waybill)}{_piece(parcel)}</td><td>{escape(bag)}</td>"
            f"<td>{_recipient(parcel)}</td><td>{_deadline(source, parcel_id)}</td>"
            f"<td>{_asked(source.promises.get(parcel_id), parcel, words, language)}</td></tr>"
        )
    return "".join(rows)


def _barcode(waybill: str) -> str:
    try:
        return svg(waybill, module_px=1.0, height_px=24)
    except BarcodeError:
        return ""


def _piece(parcel: Parcel) -> str:
    more = f" {parcel.piece}/{parcel.pieces}" if parcel.pieces > 1 else ""
    return escape(parcel.waybill + more)


def _recipient(parcel: Parcel) -> str:
    name, phone = masked("name", parcel.recipient_name), masked("phone", parcel.recipient_phone)
    return f"{escape(name)} {escape(phone)}<br><small>{escape(masked('address', parcel.address))}</small>"


def _deadline(source: ManifestSource, parcel_id: str) -> str:
    promise = source.promises.get(parcel_id)
    if promise is None or promise.clock is None:
        return ""
    local = promise.clock.deadline_at.astimezone(at_second(source.plan.day, 0, source.plan.zone).tzinfo)
    return f"{local:%H:%M}" if local.date() == source.plan.day else f"{local:%m-%d %H:%M}"


def _asked(promise: Promise | None, parcel: Parcel, words: Mapping[str, str], language: Language) -> str:
    asked = {} if promise is None else promise.evidence(parcel.channel)  # type: ignore[arg-type]  # checked at import
    shown = [_EVIDENCE[kind][language == "en"] for kind, demand in asked.items() if demand in _SHOWN_DEMANDS]
    if parcel.cod_fen:
        shown.append(f"{words['cod']} ¥{format_yuan(Fen(parcel.cod_fen))}")
    return escape(" · ".join(shown))
