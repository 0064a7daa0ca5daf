import type { SearchRequest } from "../api/types";
import type { ViewState } from "../url/state";

/** Pixels that a bar of the histogram has at least. */
const BAR_PX = 12;

/** What a view asks the server for. */
export function requestOf(
  view: ViewState,
  options: { limit: number; width: number; facets: readonly string[] },
): SearchRequest {
  const buckets = Math.max(20, Math.min(160, Math.floor(options.width / BAR_PX)));
  return {
    query: view.query ?? "",
    ...(view.from !== null && { from: view.from }),
    ...(view.to !== null && { to: view.to }),
    limit: options.limit,
    order: view.order,
    histogram: { buckets, ...(view.by !== "" && { by: view.by }) },
    ...(options.facets.length > 0 && { facets: [...options.facets] }),
  };
}
