/** Short names for the API's own descriptions. */

import type { components } from "./schema";

type Schemas = components["schemas"];

export type Me = Schemas["Me"];
export type Region = Schemas["RegionView"];
export type Operation = Schemas["OperationView"];
export type Custody = Schemas["CustodyView"];
export type LoggedEvent = Schemas["EventView"];
export type Fleet = Schemas["FleetView"];
export type Site = Schemas["SiteView"];
export type Parcel = Schemas["ParcelView"];
export type PlanVersion = Schemas["VersionView"];
export type RouteFigures = Schemas["RouteEntry"];
export type RouteDescription = Schemas["RouteView"];
export type Reason = Schemas["ReasonView"];
export type CourierRoute = Schemas["CourierRouteView"];
