"""The surroundings a site stands in, and the other closed lists of the registry."""

from __future__ import annotations

from enum import StrEnum


class Scene(StrEnum):
    """Ten scene types (场景) in which sending kiosks were placed.

    Source: China Post news report on 寄件宝 in Qianjiang, 2023 (mission, system S3).
    """

    VILLAGE_SERVICE_POINT = "village_service_point"
    CONVENIENCE_STORE = "convenience_store"
    SPECIALITY_SHOP = "speciality_shop"
    OFFICE = "office"
    HOTEL = "hotel"
    STATION = "station"
    PHARMACY = "pharmacy"
    SCHOOL = "school"
    SCENIC_SPOT = "scenic_spot"
    INDUSTRIAL_PARK = "industrial_park"

    @property
    def zh(self) -> str:
        """Return the scene's name in Chinese."""
        return _SCENES_ZH[self]


_SCENES_ZH = {
    Scene.VILLAGE_SERVICE_POINT: "村级服务点",
    Scene.CONVENIENCE_STORE: "便利店",
    Scene.SPECIALITY_SHOP: "专卖店",
    Scene.OFFICE: "写字楼",
    Scene.HOTEL: "酒店",
    Scene.STATION: "车站",
    Scene.PHARMACY: "药店",
    Scene.SCHOOL: "学校",
    Scene.SCENIC_SPOT: "景区",
    Scene.INDUSTRIAL_PARK: "工业园区",
}


class SiteKind(StrEnum):
    """What stands there: a sending kiosk (寄件宝), a 24-hour station (驿站) or a cabinet (快递柜)."""

    KIOSK = "kiosk"
    STATION = "station"
    CABINET = "cabinet"

    @property
    def zh(self) -> str:
        """Return the kind's name in Chinese."""
        return {"kiosk": "寄件宝", "station": "自助驿站", "cabinet": "快递柜"}[self.value]


class SiteStatus(StrEnum):
    """Where a site is in its life; only an active one takes parcels."""

    PLANNED = "planned"
    ACTIVE = "active"
    MAINTENANCE = "maintenance"
    RETIRED = "retired"
