-- What keeps the store small: minutes go up into hours and hours into days, each where the one before ends, so that a
-- sum over the three counts nothing twice. `seen`: the last minute of it in which there was something. {CLUSTERED}: as in the first schema.
--
-- What comes for a minute is only ever added, under the number of its record, which no other has: a row that need not
-- be looked for goes in at bulk speed.
CREATE TABLE minutes_numbered (
    node BIGINT NOT NULL, time BIGINT NOT NULL, sender TEXT NOT NULL, life BIGINT NOT NULL, sequence BIGINT NOT NULL,
    customer TEXT NOT NULL, connections BIGINT NOT NULL, messages BIGINT NOT NULL, rejected BIGINT NOT NULL,
    recipients BIGINT NOT NULL, bytes BIGINT NOT NULL,
    PRIMARY KEY (node, time, sender, life, sequence)) {CLUSTERED};
INSERT INTO minutes_numbered
    SELECT node, time, sender, 0, 0, customer, connections, messages, rejected, recipients, bytes FROM minutes;
DROP TABLE minutes;
ALTER TABLE minutes_numbered RENAME TO minutes;
CREATE TABLE hours (
    node BIGINT NOT NULL, time BIGINT NOT NULL, sender TEXT NOT NULL, customer TEXT NOT NULL, seen BIGINT NOT NULL,
    connections BIGINT NOT NULL, messages BIGINT NOT NULL, rejected BIGINT NOT NULL,
    recipients BIGINT NOT NULL, bytes BIGINT NOT NULL,
    PRIMARY KEY (node, time, sender)) {CLUSTERED};
CREATE TABLE days (
    node BIGINT NOT NULL, time BIGINT NOT NULL, sender TEXT NOT NULL, customer TEXT NOT NULL, seen BIGINT NOT NULL,
    connections BIGINT NOT NULL, messages BIGINT NOT NULL, rejected BIGINT NOT NULL,
    recipients BIGINT NOT NULL, bytes BIGINT NOT NULL,
    PRIMARY KEY (node, time, sender)) {CLUSTERED};

CREATE INDEX senders_by_score ON senders (score DESC, sender, node);
CREATE INDEX senders_by_sender ON senders (sender);
CREATE INDEX senders_by_changed ON senders (changed, node, sender);
CREATE INDEX acknowledgements_by_revision ON acknowledgements (revision);
ALTER TABLE lives ADD COLUMN seen BIGINT NOT NULL DEFAULT 0;
CREATE INDEX lives_by_seen ON lives (seen, node, life);

-- What is in force on each node, by the latest that it told.
CREATE TABLE orders (
    node BIGINT NOT NULL, sender TEXT NOT NULL, customer TEXT NOT NULL, deed TEXT NOT NULL, author TEXT NOT NULL,
    reason TEXT NOT NULL, rate BIGINT NOT NULL, since BIGINT NOT NULL, until BIGINT NOT NULL,
    PRIMARY KEY (node, sender));
CREATE INDEX orders_by_until ON orders (until, node, sender);

-- How far the clock is believed, by which things are too old: retention.c.
CREATE TABLE tidying (only_one BIGINT NOT NULL PRIMARY KEY, believed BIGINT NOT NULL, seen BIGINT NOT NULL,
    doubted BIGINT NOT NULL);
INSERT INTO tidying (only_one, believed, seen, doubted) VALUES (1, 0, 0, 0);
