"""The columns of a manifest, what other people call them, and how a file's header is mapped to them."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from dispatch.errors import ManifestColumnsError, ManifestMappingError

Personal = Literal["name", "phone", "address"]


@dataclass(frozen=True)
class Column:
    """One column we understand.

    Parameters
    ----------
    name
        Our name; the header the generator writes.
    title_zh
        Chinese name.
    meaning
        What the cell holds, for the documentation.
    synonyms
        Other headers that mean the same.
    required
        Whether a file without it is refused.
    personal
        Which mask applies when the cell is shown.
    """

    name: str
    title_zh: str
    meaning: str
    synonyms: tuple[str, ...] = ()
    required: bool = False
    personal: Personal | None = None


COLUMNS: tuple[Column, ...] = (
    Column(
        "company", "快递公司", "id of the express company", ("品牌", "承运商", "快递品牌", "公司", "carrier", "brand")
    ),
    Column(
        "waybill",
        "运单号",
        "number on the label, unique within the company",
        ("单号", "快递单号", "运单编号", "邮件号", "面单号", "tracking number", "tracking no", "waybill no", "awb"),
        True,
    ),
    Column("piece", "件序", "which piece of a multi-piece waybill; 1 when empty", ("子件序号", "第几件", "piece no")),
    Column("pieces", "件数", "how many pieces the waybill has; 1 when empty", ("总件数", "piece count")),
    Column("direction", "方向", "deliver or collect; deliver when empty", ("业务方向", "收派", "type")),
    Column(
        "product",
        "产品",
        "code of the service product; the region's default when empty",
        ("产品代码", "时效产品", "service"),
    ),
    Column(
        "recipient_name",
        "收件人",
        "name of the recipient",
        ("收件人姓名", "收货人", "收方姓名", "姓名", "recipient", "consignee", "name"),
        personal="name",
    ),
    Column(
        "recipient_phone",
        "收件人电话",
        "phone of the recipient",
        ("收件电话", "收件人手机", "手机", "手机号", "电话", "联系电话", "收方电话", "phone", "mobile", "tel"),
        personal="phone",
    ),
    Column(
        "address",
        "地址",
        "address as written on the label",
        ("收件地址", "详细地址", "收货地址", "收件人地址", "收方地址", "recipient address"),
        personal="address",
    ),
    Column(
        "village",
        "村",
        "village, by name or by id",
        ("村名", "行政村", "村社区", "社区", "所属村", "place", "place id", "village name"),
        True,
    ),
    Column(
        "township", "乡镇", "township, where a village's name is not unique", ("街道", "乡镇街道", "镇", "乡", "town")
    ),
    Column("lon", "经度", "longitude of the exact position, degrees", ("lng", "longitude")),
    Column("lat", "纬度", "latitude of the exact position, degrees", ("latitude",)),
    Column("datum", "坐标系", "wgs84, gcj02 or bd09; wgs84 when empty", ("坐标系统", "coordinate system")),
    Column(
        "channel", "投递方式", "door, station or cabinet; door when empty", ("派送方式", "投放方式", "delivery channel")
    ),
    Column(
        "site",
        "站点",
        "id of the station or cabinet; the village's own when empty",
        ("驿站", "柜号", "站点编号", "site id"),
    ),
    Column(
        "consent",
        "同意凭证",
        "reference of the recipient's consent to a station or cabinet",
        ("代收同意", "consent reference"),
    ),
    Column("weight_g", "重量(克)", "weight in grams", ("重量g", "克重", "weight g")),
    Column(
        "weight_kg",
        "重量(千克)",
        "weight in kilograms",
        ("重量kg", "重量(公斤)", "重量", "计费重量", "weight", "weight kg"),
    ),
    Column("volume_cm3", "体积(立方厘米)", "volume in cubic centimetres", ("体积cm3", "volume cm3")),
    Column("volume_m3", "体积(立方米)", "volume in cubic metres", ("体积m3", "体积", "volume", "volume m3")),
    Column(
        "due_day",
        "应投日期",
        "day it is due; the import's day when empty",
        ("日期", "派送日期", "应派日期", "due date", "date"),
    ),
    Column(
        "window_start",
        "时间窗起",
        "start of the agreed time window, local time",
        ("预约开始", "预约时间起", "window from"),
    ),
    Column(
        "window_end", "时间窗止", "end of the agreed time window, local time", ("预约结束", "预约时间止", "window to")
    ),
    Column("declared_value", "保价金额", "declared value in yuan", ("声明价值", "保价", "insured value")),
    Column("cod", "代收货款", "cash on delivery in yuan", ("代收金额", "货到付款", "cash on delivery")),
)
COLUMN_NAMES = tuple(column.name for column in COLUMNS)
_BY_NAME = {column.name: column for column in COLUMNS}

# One of the two says the weight; the other columns of a pair are alternatives too.
_ALTERNATIVES = (("weight_g", "weight_kg"),)

_NOISE = re.compile(r"[\s_\-*:()\[\]【】/.·]+")


def _key(header: str) -> str:
    return _NOISE.sub("", unicodedata.normalize("NFKC", header)).casefold()


_MEANINGS: dict[str, str] = {
    _key(word): column.name for column in COLUMNS for word in (column.name, column.title_zh, *column.synonyms)
}


@dataclass(frozen=True)
class ColumnMap:
    """Where each of our columns stands in the file.

    Parameters
    ----------
    positions
        Index of the cell by our column name.
    headers
        The file's own header by our column name.
    ignored
        Headers of the file nobody reads.
    """

    positions: Mapping[str, int]
    headers: Mapping[str, str]
    ignored: tuple[str, ...]

    def header_of(self, column: str) -> str:
        """Give the file's header of a column, ours when the file has none."""
        return self.headers.get(column, column)


def column(name: str) -> Column:
    """Give a column by our name."""
    return _BY_NAME[name]


def recognised(header: Sequence[str]) -> int:
    """Count the headers we know; tells a header row and the right delimiter from a wrong guess."""
    return sum(1 for cell in header if _key(cell) in _MEANINGS)


def map_columns(
    header: Sequence[str], explicit: Mapping[str, str] | None = None, *, default_company: str | None = None
) -> ColumnMap:
    """Map a file's header to our columns.

    Parameters
    ----------
    header
        Cells of the header row.
    explicit
        Our column name to the file's header, or to an empty text to leave the column unread. Columns not
        named here are mapped by their synonyms.
    default_company
        Makes the company column optional.

    Raises
    ------
    ManifestMappingError
        If the mapping names a column we do not have, or a header the file does not have.
    ManifestColumnsError
        If a required column is missing, or two headers mean the same.
    """
    cells = [cell.strip() for cell in header]
    chosen = _explicit_positions(cells, explicit or {})
    taken = set(chosen.values())
    silenced = {name for name, wanted in (explicit or {}).items() if not wanted}
    for index, cell in enumerate(cells):
        name = _MEANINGS.get(_key(cell))
        if name is None or index in taken or name in silenced or (explicit and explicit.get(name)):
            continue
        if name in chosen:
            raise ManifestColumnsError(
                f"columns {cells[chosen[name]]!r} and {cell!r} both mean {name}; map one of them explicitly",
                columns=[cells[chosen[name]], cell],
            )
        chosen[name] = index
    _require(chosen, cells, default_company)
    used = set(chosen.values())
    return ColumnMap(
        positions=chosen,
        headers={name: cells[index] for name, index in chosen.items()},
        ignored=tuple(cell for index, cell in enumerate(cells) if index not in used and cell),
    )


def _explicit_positions(cells: list[str], explicit: Mapping[str, str]) -> dict[str, int]:
    chosen: dict[str, int] = {}
    for name, wanted in explicit.items():
        if name not in _BY_NAME:
            raise ManifestMappingError(f"the mapping names {name!r}, which is not one of our columns", column=name)
        if not wanted:
            continue
        found = [index for index, cell in enumerate(cells) if cell == wanted.strip()]
        if len(found) != 1:
            times = "is not in the file" if not found else f"stands {len(found)} times in the file"
            raise ManifestMappingError(f"the mapping of {name}: header {wanted!r} {times}", column=name, header=wanted)
        chosen[name] = found[0]
    return chosen


def _require(chosen: Mapping[str, int], cells: list[str], default_company: str | None) -> None:
    missing = [column.name for column in COLUMNS if column.required and column.name not in chosen]
    missing += [" or ".join(group) for group in _ALTERNATIVES if not any(name in chosen for name in group)]
    if default_company is None and "company" not in chosen:
        missing.insert(0, "company")
    if missing:
        shown = ", ".join(cell[:20] for cell in cells[:12] if cell)
        raise ManifestColumnsError(
            f"no column for {', '.join(missing)}; the header row says: {shown}", missing=missing, header=cells[:40]
        )
