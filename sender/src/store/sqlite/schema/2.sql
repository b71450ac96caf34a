-- Each record of the catalog has a version, which a write names. A workspace lists its subscriptions.
ALTER TABLE workspaces ADD COLUMN version INTEGER NOT NULL DEFAULT 1;
ALTER TABLE workspaces ADD COLUMN subscriptions TEXT NOT NULL DEFAULT '[]'; -- JSON, oldest first
UPDATE workspaces SET subscriptions = (
    SELECT json_group_array(reference) FROM (
        SELECT reference FROM subscriptions WHERE workspace = workspaces.id AND deleted = 0 ORDER BY id
    )
);
ALTER TABLE subscriptions ADD COLUMN version INTEGER NOT NULL DEFAULT 1;

-- A write that is checked must change something, or it does not reach the disk.
CREATE TABLE probe (writes INTEGER NOT NULL) STRICT;
INSERT INTO probe VALUES (0);
