/** The entry on Cloudflare Workers. */

import { handle } from "./handler";
import type { Bindings } from "./settings";

export default {
  fetch: (request, bindings, context) => handle(request, bindings, context),
} satisfies ExportedHandler<Bindings>;
