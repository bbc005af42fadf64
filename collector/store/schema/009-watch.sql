-- Own names on blacklists, alerts that go out, reports. {BYTES}: as in the schemas before.
--
-- What is watched on blacklists. `kind`: "address", "domain"; `origin`: "own" (configured), "node", "sender". `due`:
-- when it is asked again; `held`: until when it is in the hand of `holder`, a collector's thread.
CREATE TABLE watched (
    name TEXT NOT NULL PRIMARY KEY, kind TEXT NOT NULL, origin TEXT NOT NULL, node BIGINT NOT NULL,
    sender TEXT NOT NULL, customer TEXT NOT NULL, seen BIGINT NOT NULL, asked BIGINT NOT NULL, due BIGINT NOT NULL,
    holder BIGINT NOT NULL, held BIGINT NOT NULL);
CREATE INDEX watched_by_due ON watched (due, name);
CREATE INDEX watched_by_seen ON watched (seen, name);
-- What a zone says of a name. `since`: 0: it is not listed; `first`: when it was listed for the first time, `times`:
-- how often, `total`: for how long, before now.
CREATE TABLE listings (
    name TEXT NOT NULL, zone TEXT NOT NULL, since BIGINT NOT NULL, checked BIGINT NOT NULL, doubted BIGINT NOT NULL,
    first BIGINT NOT NULL, times BIGINT NOT NULL, total BIGINT NOT NULL, weight BIGINT NOT NULL, code TEXT NOT NULL,
    reason TEXT NOT NULL, node BIGINT NOT NULL, sender TEXT NOT NULL, customer TEXT NOT NULL, PRIMARY KEY (name, zone));
CREATE INDEX listings_by_since ON listings (since, name) WHERE since > 0;
-- Each time that a name was listed; `until` 0: it still is.
CREATE TABLE listing_history (
    name TEXT NOT NULL, zone TEXT NOT NULL, since BIGINT NOT NULL, until BIGINT NOT NULL, weight BIGINT NOT NULL,
    code TEXT NOT NULL, node BIGINT NOT NULL, sender TEXT NOT NULL, customer TEXT NOT NULL,
    PRIMARY KEY (name, zone, since));
CREATE INDEX listing_history_by_since ON listing_history (since, name);
CREATE INDEX listing_history_by_until ON listing_history (until, name);
-- How each zone is: "good", or why it is not believed; how many questions it was asked on `day`.
CREATE TABLE zones (
    zone TEXT NOT NULL PRIMARY KEY, state TEXT NOT NULL, trouble TEXT NOT NULL, since BIGINT NOT NULL,
    checked BIGINT NOT NULL, day BIGINT NOT NULL, asked BIGINT NOT NULL);

-- What the sender's node was told of a complaint: 0 nothing, else enum store_complaint_told; `not_abuse` 1: a person found
-- that it was none, and it was taken back.
ALTER TABLE complaints ADD COLUMN told BIGINT NOT NULL DEFAULT 0;
ALTER TABLE complaints ADD COLUMN not_abuse BIGINT NOT NULL DEFAULT 0;
CREATE INDEX complaints_by_arrival ON complaints (arrival);

-- What goes out to people. `id`: the same for the same sending, however often it is made, so none is made twice.
-- `channel`: a section of the configuration; `purpose`: "alert", "letter", "report", "complaint", "test". `state`:
-- "waiting", "sent", "failed" (for good; `trouble` says why). `bytes`: a whole message, or the body of a request.
CREATE TABLE sendings (
    id TEXT NOT NULL PRIMARY KEY, channel TEXT NOT NULL, purpose TEXT NOT NULL, made BIGINT NOT NULL,
    due BIGINT NOT NULL, tries BIGINT NOT NULL, state TEXT NOT NULL, done BIGINT NOT NULL, holder BIGINT NOT NULL,
    held BIGINT NOT NULL, recipients TEXT NOT NULL, subject TEXT NOT NULL, customer TEXT NOT NULL,
    trouble TEXT NOT NULL, bytes {BYTES} NOT NULL);
CREATE INDEX sendings_by_due ON sendings (due, id) WHERE due > 0;
CREATE INDEX sendings_by_made ON sendings (made, id);
CREATE INDEX sendings_by_customer ON sendings (customer, made);
-- What each channel was told of each alert.
CREATE TABLE alert_sendings (
    channel TEXT NOT NULL, number BIGINT NOT NULL, said BIGINT NOT NULL, times BIGINT NOT NULL, resolved BIGINT NOT NULL,
    PRIMARY KEY (channel, number));
CREATE INDEX alert_sendings_by_number ON alert_sendings (number);
CREATE TABLE alert_channels (channel TEXT NOT NULL PRIMARY KEY, told BIGINT NOT NULL);
-- What is not told of until then: a pattern of each, empty: any.
CREATE TABLE silences (
    number BIGINT NOT NULL PRIMARY KEY, kind TEXT NOT NULL, name TEXT NOT NULL, customer TEXT NOT NULL,
    node BIGINT NOT NULL, begin BIGINT NOT NULL, until BIGINT NOT NULL, person TEXT NOT NULL, reason TEXT NOT NULL);

-- The numbers of a time that is over, as they were when its report was made: a report that is asked for again says the
-- same, also when what it was made from is gone. `kind`: "day", "week", "month"; `period`: "2026-W47".
CREATE TABLE reports (
    kind TEXT NOT NULL, period TEXT NOT NULL, zone TEXT NOT NULL, made BIGINT NOT NULL, numbers TEXT NOT NULL,
    PRIMARY KEY (kind, period, zone));
