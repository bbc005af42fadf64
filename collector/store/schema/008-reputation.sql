-- Blacklists, complaints, alerts. {CLUSTERED}, {BYTES}: as in the schemas before.
--
-- What is looked up: own addresses and domains. `kind`: "address", "domain". `due`: when it is next.
CREATE TABLE watched (
    name TEXT NOT NULL PRIMARY KEY, kind TEXT NOT NULL, node BIGINT NOT NULL, sender TEXT NOT NULL,
    customer TEXT NOT NULL, seen BIGINT NOT NULL, due BIGINT NOT NULL, holder BIGINT NOT NULL, held BIGINT NOT NULL);
CREATE INDEX watched_by_due ON watched (due, name);
CREATE INDEX watched_by_customer ON watched (customer, name);
-- What each zone says of each: `listed` 1 or 0 as it was agreed last; `doubted`: when something else was seen for the
-- first time since. `times`: how often it was listed; `total`: how long in all, but for the listing that runs.
CREATE TABLE listings (
    name TEXT NOT NULL, zone TEXT NOT NULL, listed BIGINT NOT NULL, since BIGINT NOT NULL, checked BIGINT NOT NULL,
    doubted BIGINT NOT NULL, good_until BIGINT NOT NULL, times BIGINT NOT NULL, total BIGINT NOT NULL,
    weight BIGINT NOT NULL, code TEXT NOT NULL, reason TEXT NOT NULL,
    PRIMARY KEY (name, zone)) {CLUSTERED};
CREATE INDEX listings_by_zone ON listings (zone, listed, name);
CREATE TABLE listing_history (
    name TEXT NOT NULL, zone TEXT NOT NULL, since BIGINT NOT NULL, until BIGINT NOT NULL, code TEXT NOT NULL,
    customer TEXT NOT NULL, node BIGINT NOT NULL,
    PRIMARY KEY (name, zone, since)) {CLUSTERED};
CREATE INDEX listing_history_by_since ON listing_history (since, name, zone);
-- Whether a zone can be believed, and what was asked of it today.
CREATE TABLE zones (
    zone TEXT NOT NULL PRIMARY KEY, state TEXT NOT NULL, trouble TEXT NOT NULL, checked BIGINT NOT NULL,
    since BIGINT NOT NULL, day BIGINT NOT NULL, asked BIGINT NOT NULL);

-- Complaints. `id`: of what came, its first 16 hexadecimal digits of a BLAKE2b; the same again is counted at `times`.
-- `tied`: how it was tied, "message", "session", "address", "" (to nobody: a person looks at it). `state`: "open",
-- "done", "unread" (it could not be understood), "arrived" (nobody has looked at it yet; `closed` is until when it is
-- in somebody's hand).
CREATE TABLE complaints (
    id TEXT NOT NULL PRIMARY KEY, received BIGINT NOT NULL, time BIGINT NOT NULL, source TEXT NOT NULL,
    format TEXT NOT NULL, type TEXT NOT NULL, reporter TEXT NOT NULL, address TEXT NOT NULL, sender TEXT NOT NULL,
    customer TEXT NOT NULL, node BIGINT NOT NULL, message_id TEXT NOT NULL, subject TEXT NOT NULL,
    recipient TEXT NOT NULL, message TEXT NOT NULL, tied TEXT NOT NULL, state TEXT NOT NULL, times BIGINT NOT NULL,
    incidents BIGINT NOT NULL, acted BIGINT NOT NULL, closed BIGINT NOT NULL, person TEXT NOT NULL, note TEXT NOT NULL,
    fields TEXT NOT NULL);
CREATE INDEX complaints_by_received ON complaints (received, id);
CREATE INDEX complaints_by_customer ON complaints (customer, received);
CREATE INDEX complaints_by_address ON complaints (address, received);
CREATE INDEX complaints_by_message ON complaints (message_id, received);
CREATE INDEX complaints_by_state ON complaints (state, received, id);
CREATE TABLE complaint_contents (id TEXT NOT NULL PRIMARY KEY, packing BIGINT NOT NULL, bytes {BYTES} NOT NULL);
-- How far each source was read: a mailbox's UIDVALIDITY and UID, as the reader writes it.
CREATE TABLE complaint_sources (source TEXT NOT NULL PRIMARY KEY, place TEXT NOT NULL, read BIGINT NOT NULL, trouble TEXT NOT NULL);

-- What a person should know. One row a `name` (kind and what it is about): raised again it is the same trouble, until
-- it is resolved.
CREATE TABLE alerts (
    number BIGINT NOT NULL PRIMARY KEY, kind TEXT NOT NULL, name TEXT NOT NULL, severity BIGINT NOT NULL,
    node BIGINT NOT NULL, sender TEXT NOT NULL, customer TEXT NOT NULL, raised BIGINT NOT NULL, last BIGINT NOT NULL,
    times BIGINT NOT NULL, resolved BIGINT NOT NULL, subject TEXT NOT NULL, text TEXT NOT NULL);
CREATE INDEX alerts_by_name ON alerts (kind, name, resolved);
CREATE INDEX alerts_by_last ON alerts (last, number);
CREATE INDEX alerts_by_customer ON alerts (customer, last);
CREATE TABLE alerting (only_one BIGINT NOT NULL PRIMARY KEY, highest BIGINT NOT NULL);
INSERT INTO alerting (only_one, highest) VALUES (1, 0);
-- What goes out: one row a sending, with its text as it was made, so that a second try sends the same. `state`:
-- "waiting", "sent", "given up".
CREATE TABLE sendings (
    id TEXT NOT NULL PRIMARY KEY, channel TEXT NOT NULL, made BIGINT NOT NULL, due BIGINT NOT NULL,
    tries BIGINT NOT NULL, state TEXT NOT NULL, holder BIGINT NOT NULL, held BIGINT NOT NULL, recipient TEXT NOT NULL,
    subject TEXT NOT NULL, trouble TEXT NOT NULL, body {BYTES} NOT NULL);
CREATE INDEX sendings_by_due ON sendings (state, due, id);
CREATE TABLE sending_alerts (
    channel TEXT NOT NULL, number BIGINT NOT NULL, said BIGINT NOT NULL, times BIGINT NOT NULL, resolved BIGINT NOT NULL,
    PRIMARY KEY (channel, number)) {CLUSTERED};
CREATE TABLE silences (
    id BIGINT NOT NULL PRIMARY KEY, until BIGINT NOT NULL, kind TEXT NOT NULL, customer TEXT NOT NULL,
    node BIGINT NOT NULL, person TEXT NOT NULL, reason TEXT NOT NULL, made BIGINT NOT NULL);
