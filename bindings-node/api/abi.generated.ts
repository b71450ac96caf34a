// Generated from the core by `cargo xtask codegen`: do not edit.

// The slots of `Backend.out`. Ends are exclusive. Positions in the body count UTF-16 code units, and those of a
// JSON string include its quotes.

/** 0 for success, the number of an error code, which counts from 1, or -1 for an invalid argument. */
export const VERDICT = 0;

/** The number of a known event type, which counts from 0, or -1. */
export const TYPE = 1;

/** The start of the id. */
export const ID_START = 2;

/** The end of the id. */
export const ID_END = 3;

/** The start of the type. */
export const TYPE_START = 4;

/** The end of the type. */
export const TYPE_END = 5;

/** The start of the time. */
export const CREATED_AT_START = 6;

/** The end of the time. */
export const CREATED_AT_END = 7;

/** The start of the data. */
export const DATA_START = 8;

/** The end of the data. */
export const DATA_END = 9;

/** The seconds after the verification in which the event can be accepted again, or 0. */
export const REPLAY_WINDOW = 10;

/** The address of the text in the memory of the WebAssembly module; the addon returns the text. */
export const TEXT_START = 11;

/** The length of that text in bytes. */
export const TEXT_LENGTH = 12;

/** The number of slots. */
export const COUNT = 13;

/** The result of `Backend.claim` for an event that another worker is handling. */
export const IN_PROGRESS = 0;

/** The result of `Backend.claim` for an event that was handled before. */
export const DONE = -1;

/** The result of `Backend.claim` and `Backend.complete` with a full store. */
export const FULL = -2;
