// Generated from the core by `cargo xtask codegen`: do not edit.
// Every type that the core knows narrows an event to its data, and the default is an unknown event.
import type { Document, Folder, Generation, Media, Project, Share, UnknownEvent, WebhookEvent } from "clarife-webhooks";

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
const same = <_ extends true>(): void => {};

export function narrow(event: WebhookEvent): void {
  switch (event.type) {
    case "document.created":
      return same<Equal<typeof event.data, Document>>();
    case "document.updated":
      return same<Equal<typeof event.data, Document>>();
    case "document.deleted":
      return same<Equal<typeof event.data, Document>>();
    case "project.created":
      return same<Equal<typeof event.data, Project>>();
    case "project.updated":
      return same<Equal<typeof event.data, Project>>();
    case "project.deleted":
      return same<Equal<typeof event.data, Project>>();
    case "folder.created":
      return same<Equal<typeof event.data, Folder>>();
    case "folder.updated":
      return same<Equal<typeof event.data, Folder>>();
    case "folder.deleted":
      return same<Equal<typeof event.data, Folder>>();
    case "media.uploaded":
      return same<Equal<typeof event.data, Media>>();
    case "generation.started":
      return same<Equal<typeof event.data, Generation>>();
    case "generation.completed":
      return same<Equal<typeof event.data, Generation>>();
    case "generation.failed":
      return same<Equal<typeof event.data, Generation>>();
    case "share.created":
      return same<Equal<typeof event.data, Share>>();
    case "share.updated":
      return same<Equal<typeof event.data, Share>>();
    case "share.deleted":
      return same<Equal<typeof event.data, Share>>();
    default:
      return same<Equal<typeof event, UnknownEvent>>();
  }
}
