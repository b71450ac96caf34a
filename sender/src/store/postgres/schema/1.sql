-- A moment is milliseconds since 1970. `reference` is the id that people see. The integer ids end with the number of
-- the database (8 bits). Ids of events and deliveries begin with their day, by which their tables are partitioned.
-- No sequence: a number that was taken before a crash could be given again.
CREATE TABLE numbers (next bigint NOT NULL);
INSERT INTO numbers VALUES (1);

CREATE TABLE workspaces (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    reference text NOT NULL UNIQUE,
    name text NOT NULL,
    plan text NOT NULL, -- JSON
    created_at bigint NOT NULL,
    subscriptions text NOT NULL, -- JSON, oldest first
    version bigint NOT NULL
);

CREATE TABLE tokens (
    reference text PRIMARY KEY,
    workspace bigint NOT NULL REFERENCES workspaces,
    name text NOT NULL,
    hash bytea NOT NULL UNIQUE,
    created_at bigint NOT NULL,
    expires_at bigint
);

CREATE TABLE subscriptions (
    id bigint PRIMARY KEY,
    reference text NOT NULL UNIQUE,
    workspace bigint NOT NULL REFERENCES workspaces,
    subscription text NOT NULL, -- JSON, with the health
    secrets text NOT NULL, -- JSON, in clear
    created_at bigint NOT NULL,
    version bigint NOT NULL,
    deleted boolean NOT NULL DEFAULT false -- until its deliveries are deleted too
);
CREATE INDEX ON subscriptions (workspace);

-- Partitions have a unique index on (workspace, event_id).
CREATE TABLE events (
    id bigint NOT NULL,
    workspace bigint NOT NULL,
    event_id text NOT NULL,
    type text NOT NULL,
    accepted_at bigint NOT NULL,
    body text NOT NULL
) PARTITION BY RANGE (id);

-- Deliveries that wait for an attempt. A delivery that ends moves to `deliveries`.
CREATE TABLE pending (
    id bigint PRIMARY KEY,
    slot smallint NOT NULL,
    subscription bigint NOT NULL,
    lane smallint NOT NULL, -- 0 retries and tests, 1 first attempts
    due bigint NOT NULL,
    event bigint NOT NULL,
    delivery text NOT NULL, -- JSON
    created_at bigint NOT NULL,
    attempts text NOT NULL -- JSON, a line for each attempt
) WITH (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_cost_delay = 0);
CREATE INDEX pending_queue ON pending (slot, subscription, lane, due, id);
CREATE INDEX pending_list ON pending (subscription, id);
CREATE INDEX pending_event ON pending (event);

CREATE TABLE deliveries (
    id bigint NOT NULL,
    subscription bigint NOT NULL,
    state smallint NOT NULL, -- 1 delivered, 2 failed, 3 held
    event bigint NOT NULL,
    delivery text NOT NULL, -- JSON
    created_at bigint NOT NULL,
    attempts text NOT NULL, -- JSON, a line for each attempt
    resent_as bigint
) PARTITION BY RANGE (id);

-- The leases of the workers: each slot has the pending deliveries of some subscriptions.
CREATE TABLE slots (slot smallint PRIMARY KEY, worker text NOT NULL, version bigint NOT NULL);
INSERT INTO slots SELECT slot, '', 0 FROM generate_series(0, 63) AS slot;
CREATE TABLE workers (id text PRIMARY KEY, beats bigint NOT NULL);
CREATE TABLE probe (writes bigint NOT NULL);
INSERT INTO probe VALUES (0);
