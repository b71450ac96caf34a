// <runtime> runtime.mjs <folder of bodies>: the SDK's entry of this runtime, beside WebCrypto.
import process from "node:process";

import * as api from "clarife-webhooks";

import { bodies, print } from "./bodies.mjs";
import { everywhere } from "./everywhere.mjs";

print(await everywhere(api, bodies(process.argv[2])));
