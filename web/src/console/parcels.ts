import { api, answered } from "../api/client";
import type { Parcel } from "../api/types";
import type { PlannedStop, StopParcel } from "./day";

const PAGE_SIZE = 500;
/** Pages of one village's parcels to look through; beyond that, parcels show by their id. */
const MOST_PAGES = 6;

/** The parcels of a stop with masked recipients, deliveries first. */
export async function loadStopParcels(region: string, day: string, stop: PlannedStop, signal: AbortSignal): Promise<readonly StopParcel[]> {
  const wanted = new Set([...stop.deliveries, ...stop.collections]);
  const found = new Map<string, Parcel>();
  await search({ region, day, place_id: stop.placeId }, wanted, found, signal);
  if (found.size < wanted.size) await search({ region, place_id: stop.placeId }, wanted, found, signal);
  return [...wanted].map((id) => {
    const parcel = found.get(id);
    return {
      id,
      waybill: parcel?.waybill ?? id,
      company: parcel?.company_id ?? "",
      direction: stop.collections.includes(id) ? "collect" : "deliver",
      recipient: parcel?.recipient_name ?? "",
      phone: parcel?.recipient_phone ?? "",
      weightG: parcel?.weight_g ?? 0,
    };
  });
}

async function search(
  query: { region: string; day?: string; place_id: string },
  wanted: ReadonlySet<string>,
  found: Map<string, Parcel>,
  signal: AbortSignal,
): Promise<void> {
  let cursor: string | null = null;
  for (let pages = 0; pages < MOST_PAGES && found.size < wanted.size; pages++) {
    const page: { items: Parcel[]; next_cursor: string | null } = await answered(
      api.GET("/api/v1/parcels", {
        params: { query: { ...query, limit: PAGE_SIZE, ...(cursor === null ? {} : { cursor }) } },
        signal,
      }),
    );
    for (const parcel of page.items) if (wanted.has(parcel.id)) found.set(parcel.id, parcel);
    cursor = page.next_cursor;
    if (cursor === null) return;
  }
}

/** Waybill and village of a parcel, for lists that know its id only. */
export async function loadWaybill(parcelId: string, signal: AbortSignal): Promise<string> {
  const answer = await answered(api.GET("/api/v1/parcels/{key}/custody", { params: { path: { key: parcelId } }, signal }));
  return answer.items[0]?.waybill ?? parcelId;
}
