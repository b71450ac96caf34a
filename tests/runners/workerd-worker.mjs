// The worker that walks the vectors and responds with the result. workerd.mjs writes its modules.
import * as sdk from "sdk";
import files from "files";

import { runVectors } from "./vectors.mjs";

export default {
  async fetch() {
    try {
      return Response.json({ engine: sdk.engine, ...(await runVectors(sdk, (file) => files[file])) });
    } catch (error) {
      return new Response(String(error?.stack ?? error), { status: 500 });
    }
  },
};
