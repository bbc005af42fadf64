-- What the nodes' evidence comes to when it is put together. What a delivery says of bodies, points and orders waits in
-- `heard`, which deliveries only ever add to; whoever has the reckoning takes it from there (reckon.c). {CLUSTERED}: as
-- in the first schema.
CREATE TABLE heard (
    node BIGINT NOT NULL, life BIGINT NOT NULL, sequence BIGINT NOT NULL, kind TEXT NOT NULL, name TEXT NOT NULL,
    sender TEXT NOT NULL, customer TEXT NOT NULL, recipients BIGINT NOT NULL, messages BIGINT NOT NULL,
    domains BIGINT NOT NULL, known BIGINT NOT NULL, points BIGINT NOT NULL, score BIGINT NOT NULL,
    PRIMARY KEY (node, life, sequence, kind, name)) {CLUSTERED};

-- Texts of which near-identical ones are one, and who sent them. What was told of one as a campaign stands with it;
-- `until` 0: nothing was.
CREATE TABLE bodies (
    body BIGINT NOT NULL PRIMARY KEY, likeness TEXT NOT NULL, first BIGINT NOT NULL, seen BIGINT NOT NULL,
    until BIGINT NOT NULL, customers BIGINT NOT NULL, senders BIGINT NOT NULL, nodes BIGINT NOT NULL,
    recipients BIGINT NOT NULL);
CREATE INDEX bodies_by_seen ON bodies (seen, body);
CREATE INDEX bodies_by_until ON bodies (until, body);
CREATE TABLE body_parts (part BIGINT NOT NULL, body BIGINT NOT NULL, PRIMARY KEY (part, body)) {CLUSTERED};
CREATE INDEX body_parts_by_body ON body_parts (body);
CREATE TABLE body_senders (
    body BIGINT NOT NULL, node BIGINT NOT NULL, sender TEXT NOT NULL, customer TEXT NOT NULL,
    recipients BIGINT NOT NULL, messages BIGINT NOT NULL, domains BIGINT NOT NULL, known BIGINT NOT NULL,
    first BIGINT NOT NULL, seen BIGINT NOT NULL,
    PRIMARY KEY (body, node, sender)) {CLUSTERED};
CREATE INDEX body_senders_by_node ON body_senders (node, seen);

-- Firm points of customers' senders, and what was told of them.
CREATE TABLE points (
    node BIGINT NOT NULL, sender TEXT NOT NULL, customer TEXT NOT NULL, points BIGINT NOT NULL, score BIGINT NOT NULL,
    seen BIGINT NOT NULL,
    PRIMARY KEY (node, sender));
CREATE INDEX points_by_customer ON points (customer, node, sender);
CREATE INDEX points_by_seen ON points (seen, node, sender);
CREATE TABLE points_told (
    customer TEXT NOT NULL, node BIGINT NOT NULL, points BIGINT NOT NULL,
    PRIMARY KEY (customer, node));

-- News for nodes: one row of each name, under the number that it was given last. `due`: when it is to be looked at
-- again, 0: never; `kept`: until when it stands here. `holder` does the reckoning until `until`.
CREATE TABLE news (
    kind TEXT NOT NULL, name TEXT NOT NULL, number BIGINT NOT NULL, node BIGINT NOT NULL, until BIGINT NOT NULL,
    due BIGINT NOT NULL, kept BIGINT NOT NULL, text TEXT NOT NULL,
    PRIMARY KEY (kind, name));
CREATE INDEX news_by_number ON news (number);
CREATE INDEX news_by_due ON news (due);
CREATE INDEX news_by_node ON news (node, until);
CREATE INDEX news_by_kept ON news (kept, number, name);
CREATE TABLE reckoning (
    only_one BIGINT NOT NULL PRIMARY KEY, holder BIGINT NOT NULL, until BIGINT NOT NULL, news BIGINT NOT NULL);
INSERT INTO reckoning (only_one, holder, until, news) VALUES (1, 0, 0, 0);

-- The latest address that a sender used, and what others can know it by.
ALTER TABLE senders ADD COLUMN address TEXT NOT NULL DEFAULT '';
ALTER TABLE orders ADD COLUMN address TEXT NOT NULL DEFAULT '';
ALTER TABLE orders ADD COLUMN standing TEXT NOT NULL DEFAULT '';
CREATE INDEX orders_by_standing ON orders (standing, until);
CREATE INDEX orders_by_customer ON orders (customer, until);
CREATE INDEX senders_by_customer ON senders (customer, node, sender);
CREATE INDEX directives_by_sender ON directives (sender, revision);

-- What each customer sent on each node in the last day, as it was summed up at `summed`.
CREATE TABLE shares (
    node BIGINT NOT NULL, customer TEXT NOT NULL, senders BIGINT NOT NULL, messages BIGINT NOT NULL,
    rejected BIGINT NOT NULL, recipients BIGINT NOT NULL,
    PRIMARY KEY (node, customer)) {CLUSTERED};
CREATE INDEX shares_by_customer ON shares (customer, node);
CREATE TABLE summed (node BIGINT NOT NULL PRIMARY KEY, time BIGINT NOT NULL, delivered BIGINT NOT NULL);
