import { route } from "@react-router/dev/routes";

export default [route("webhooks/clarife", "routes/clarife.ts")];
