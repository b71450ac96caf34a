-- A moment is milliseconds since 1970. `reference` is the id that people see; the integer keys stay inside.
CREATE TABLE workspaces (
    id INTEGER PRIMARY KEY,
    reference TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    plan TEXT NOT NULL, -- JSON
    created_at INTEGER NOT NULL
) STRICT;

CREATE TABLE tokens (
    reference TEXT PRIMARY KEY,
    workspace INTEGER NOT NULL,
    name TEXT NOT NULL,
    hash BLOB NOT NULL UNIQUE,
    created_at INTEGER NOT NULL,
    expires_at INTEGER
) STRICT;

CREATE TABLE subscriptions (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    reference TEXT NOT NULL UNIQUE,
    workspace INTEGER NOT NULL,
    subscription TEXT NOT NULL, -- JSON, with the health
    secrets TEXT NOT NULL, -- JSON, in clear
    created_at INTEGER NOT NULL,
    deleted INTEGER NOT NULL DEFAULT 0 -- 1 until its deliveries are deleted too
) STRICT;

CREATE TABLE events (
    id INTEGER PRIMARY KEY,
    workspace INTEGER NOT NULL,
    event_id TEXT NOT NULL,
    type TEXT NOT NULL,
    accepted_at INTEGER NOT NULL,
    body TEXT NOT NULL,
    UNIQUE (workspace, event_id)
) STRICT;
CREATE INDEX events_by_age ON events (accepted_at);

CREATE TABLE deliveries (
    id INTEGER PRIMARY KEY AUTOINCREMENT, -- never given twice: a lease may outlive its delivery
    event INTEGER NOT NULL,
    subscription INTEGER NOT NULL,
    delivery TEXT NOT NULL, -- JSON; the next three are read off it, for the indexes
    state INTEGER NOT NULL, -- 0 pending, 1 delivered, 2 failed, 3 held
    lane INTEGER NOT NULL, -- 0 retries and tests, 1 first attempts
    due INTEGER,
    created_at INTEGER NOT NULL,
    resent_as INTEGER
) STRICT;
CREATE INDEX deliveries_by_state ON deliveries (subscription, state, id);
CREATE INDEX deliveries_by_event ON deliveries (event);
CREATE INDEX deliveries_pending ON deliveries (subscription, lane, due, id) WHERE state = 0;

CREATE TABLE attempts (
    delivery INTEGER NOT NULL,
    number INTEGER NOT NULL,
    started_at INTEGER NOT NULL,
    ended_at INTEGER NOT NULL,
    outcome TEXT NOT NULL, -- JSON
    answer BLOB NOT NULL,
    PRIMARY KEY (delivery, number)
) STRICT, WITHOUT ROWID;
