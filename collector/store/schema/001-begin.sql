-- The first schema. One text for every engine: BIGINT (moments in nanoseconds, ids of 64 random bits), TEXT, no
-- sequences. What nodes write has a key that begins with the node and arrives in order. {CLUSTERED} is the engine's own
-- word for a table that is kept in the order of its key.
CREATE TABLE tokens (
    hash TEXT NOT NULL PRIMARY KEY, name TEXT NOT NULL, until BIGINT NOT NULL,
    node BIGINT, key_hash TEXT);
CREATE TABLE nodes (
    node BIGINT NOT NULL PRIMARY KEY, name TEXT NOT NULL, version TEXT NOT NULL, key_hash TEXT NOT NULL,
    enrolled BIGINT NOT NULL, seen BIGINT NOT NULL, revoked BIGINT NOT NULL,
    spooled BIGINT NOT NULL, acknowledged BIGINT NOT NULL);
CREATE TABLE persons (
    person BIGINT NOT NULL PRIMARY KEY, name TEXT NOT NULL, key_hash TEXT NOT NULL, may BIGINT NOT NULL,
    added BIGINT NOT NULL);

CREATE TABLE lives (
    node BIGINT NOT NULL, life BIGINT NOT NULL, delivered BIGINT NOT NULL,
    PRIMARY KEY (node, life));
CREATE TABLE records (
    node BIGINT NOT NULL, life BIGINT NOT NULL, sequence BIGINT NOT NULL,
    received BIGINT NOT NULL, time BIGINT NOT NULL,
    kind TEXT NOT NULL, sender TEXT NOT NULL, customer TEXT NOT NULL, line TEXT NOT NULL,
    PRIMARY KEY (node, life, sequence)) {CLUSTERED};
CREATE INDEX records_by_received ON records (received, node, sequence);
CREATE INDEX records_by_sender ON records (sender, received);

-- The latest verdict of each sender, and what each did in each minute.
CREATE TABLE senders (
    node BIGINT NOT NULL, sender TEXT NOT NULL, customer TEXT NOT NULL, verdict TEXT NOT NULL,
    score BIGINT NOT NULL, changed BIGINT NOT NULL,
    PRIMARY KEY (node, sender));
CREATE TABLE minutes (
    node BIGINT NOT NULL, time BIGINT NOT NULL, sender TEXT NOT NULL, customer TEXT NOT NULL,
    connections BIGINT NOT NULL, messages BIGINT NOT NULL, rejected BIGINT NOT NULL,
    recipients BIGINT NOT NULL, bytes BIGINT NOT NULL,
    PRIMARY KEY (node, time, sender)) {CLUSTERED};

-- What nodes are told. Revisions follow each other as their transactions commit: the one row of `revisions` is locked
-- until then. Node 0: every node.
CREATE TABLE revisions (only_one BIGINT NOT NULL PRIMARY KEY, highest BIGINT NOT NULL);
INSERT INTO revisions (only_one, highest) VALUES (1, 0);
CREATE TABLE directives (
    node BIGINT NOT NULL, revision BIGINT NOT NULL, time BIGINT NOT NULL, until BIGINT NOT NULL,
    rate BIGINT NOT NULL, deed TEXT NOT NULL, sender TEXT NOT NULL, reason TEXT NOT NULL, person TEXT NOT NULL,
    PRIMARY KEY (node, revision));
CREATE TABLE acknowledgements (
    node BIGINT NOT NULL, revision BIGINT NOT NULL, time BIGINT NOT NULL, done BIGINT NOT NULL,
    PRIMARY KEY (node, revision));

CREATE TABLE audit (
    time BIGINT NOT NULL, id BIGINT NOT NULL, person TEXT NOT NULL, deed TEXT NOT NULL, target TEXT NOT NULL,
    reason TEXT NOT NULL, origin TEXT NOT NULL,
    PRIMARY KEY (time, id));
