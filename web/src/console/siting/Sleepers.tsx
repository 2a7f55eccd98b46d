import { answered, api } from "../../api/client";
import { useResource } from "../../api/resource";
import { useLanguage } from "../../i18n/language";

/** Kiosks that took in nothing for four weeks, each with a place where it would reach more people. */
export function Sleepers({ region }: { region: string }) {
  const { t } = useLanguage();
  const asleep = useResource(`sleepers/${region}`, (signal) =>
    answered(api.GET("/api/v1/siting/sleepers", { params: { query: { region } }, signal })),
  );
  const found = asleep.data;
  if (!found) return null;
  return (
    <section>
      <h2>{t("siting.sleepers")}</h2>
      <p className="muted">{t("siting.sleepers_sum", { count: found.items.length, watched: found.watched })}</p>
      {found.items.length > 0 && (
        <ul>
          {found.items.map((one) => (
            <li key={one.site_id}>
              {one.site_id}:{" "}
              {one.move
                ? t("siting.move", { place: one.move.name, gained: one.move.gained.toFixed(1), lost: one.move.lost.toFixed(1) })
                : t("siting.no_move")}
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}
