-- Own names on blacklists, alerts that go out, reports. {BYTES}: as in the schemas before.
--
-- What is watched on blacklists. `kind`: "address", "domain"; `origin`: "own" (configured), "node", "sender", "person"
-- (asked for once). `seen`: when it was heard of last as something that sends, `until`: it is watched until then at
-- least. `asked`: last; `due`: when it is asked next, or, in the hand of `holder` (a collector), when he has lost it.
-- `wanted`: since when a person waits for it. `clean`, `unknown`: how many lists said so when it was asked last.
CREATE TABLE watched (
    name TEXT NOT NULL PRIMARY KEY, kind TEXT NOT NULL, origin TEXT NOT NULL, seen BIGINT NOT NULL,
    until BIGINT NOT NULL, asked BIGINT NOT NULL, due BIGINT NOT NULL, holder BIGINT NOT NULL, wanted BIGINT NOT NULL,
    clean BIGINT NOT NULL, unknown BIGINT NOT NULL);
CREATE INDEX watched_by_due ON watched (due, name);
CREATE INDEX watched_by_until ON watched (until, name);
CREATE INDEX watched_by_holder ON watched (holder) WHERE holder <> 0;
-- What a zone says of a name. `since` 0: it is not listed; `doubted`: when something else was said for the first time,
-- which another answer has to confirm; `first`: when it was listed for the first time, `times`: how often, `total`: for
-- how long, before now. Whose it was when it was listed last: `node`, `sender`, `customer`.
CREATE TABLE listings (
    name TEXT NOT NULL, zone TEXT NOT NULL, since BIGINT NOT NULL, checked BIGINT NOT NULL, doubted BIGINT NOT NULL,
    first BIGINT NOT NULL, times BIGINT NOT NULL, total BIGINT NOT NULL, weight BIGINT NOT NULL, code TEXT NOT NULL,
    means TEXT NOT NULL, reason TEXT NOT NULL, node BIGINT NOT NULL, sender TEXT NOT NULL, customer TEXT NOT NULL,
    PRIMARY KEY (name, zone));
CREATE INDEX listings_by_since ON listings (since, name) WHERE since > 0;
CREATE INDEX listings_by_doubted ON listings (doubted, name) WHERE doubted > 0;
-- Each time that a name was listed; `until` 0: it still is.
CREATE TABLE listing_history (
    name TEXT NOT NULL, zone TEXT NOT NULL, since BIGINT NOT NULL, until BIGINT NOT NULL, weight BIGINT NOT NULL,
    code TEXT NOT NULL, node BIGINT NOT NULL, sender TEXT NOT NULL, customer TEXT NOT NULL,
    PRIMARY KEY (name, zone, since));
CREATE INDEX listing_history_by_since ON listing_history (since, name);
CREATE INDEX listing_history_by_until ON listing_history (until, name);
-- How each zone is: "good", or why it is not believed, since when; how many questions it was asked on `day` (days since
-- 1970) by all collectors.
CREATE TABLE zones (
    zone TEXT NOT NULL PRIMARY KEY, state TEXT NOT NULL, trouble TEXT NOT NULL, since BIGINT NOT NULL,
    checked BIGINT NOT NULL, day BIGINT NOT NULL, asked BIGINT NOT NULL);
-- From where a node speaks to us: an own address.
ALTER TABLE nodes ADD COLUMN address TEXT NOT NULL DEFAULT '';

-- What the sender's node was told of a complaint: 0 nothing, else enum store_complaint_told; `not_abuse` 1: a person found
-- that it was none, and it was taken back.
ALTER TABLE complaints ADD COLUMN told BIGINT NOT NULL DEFAULT 0;
ALTER TABLE complaints ADD COLUMN not_abuse BIGINT NOT NULL DEFAULT 0;
CREATE INDEX complaints_by_arrival ON complaints (arrival);

-- What goes out to people. `id`: the same for the same sending, however often it is made, so none is made twice.
-- `channel`: a section of the configuration; `purpose`: "alert", "letter", "report", "complaint", "test". `state`:
-- "waiting", "handed" (whole, and nobody has said yet that it arrived), "sent", "failed" (for good; `trouble` says
-- why), "in doubt" (handed by who died then). `due`: when it is looked at again, 0: not any more. `bytes`: a whole
-- message, or the body of a request.
CREATE TABLE sendings (
    id TEXT NOT NULL PRIMARY KEY, channel TEXT NOT NULL, purpose TEXT NOT NULL, made BIGINT NOT NULL,
    due BIGINT NOT NULL, tries BIGINT NOT NULL, state TEXT NOT NULL, done BIGINT NOT NULL, holder BIGINT NOT NULL,
    held BIGINT NOT NULL, recipients TEXT NOT NULL, subject TEXT NOT NULL, customer TEXT NOT NULL,
    trouble TEXT NOT NULL, bytes {BYTES} NOT NULL);
CREATE INDEX sendings_by_due ON sendings (channel, due, id) WHERE due > 0;
CREATE INDEX sendings_by_state ON sendings (state, made, id);
CREATE INDEX sendings_by_made ON sendings (made, id);
CREATE INDEX sendings_by_customer ON sendings (customer, made);
-- What each channel was told of each alert: when it was last told that it stands, how badly, and whether it need not be
-- told any more. `kind` "": when the channel was here first, and the number of its latest notice; else when it was last
-- told of something of that kind.
CREATE TABLE alert_sendings (
    channel TEXT NOT NULL, number BIGINT NOT NULL, said BIGINT NOT NULL, severity BIGINT NOT NULL,
    finished BIGINT NOT NULL, PRIMARY KEY (channel, number));
CREATE INDEX alert_sendings_by_number ON alert_sendings (number);
CREATE INDEX alert_sendings_unfinished ON alert_sendings (channel, number) WHERE finished = 0;
CREATE TABLE alert_channels (
    channel TEXT NOT NULL, kind TEXT NOT NULL, told BIGINT NOT NULL, notices BIGINT NOT NULL,
    PRIMARY KEY (channel, kind));
-- What is not told of until then: a pattern of each, empty: any.
CREATE TABLE silences (
    number BIGINT NOT NULL PRIMARY KEY, kind TEXT NOT NULL, name TEXT NOT NULL, customer TEXT NOT NULL,
    node TEXT NOT NULL, begin BIGINT NOT NULL, until BIGINT NOT NULL, person TEXT NOT NULL, reason TEXT NOT NULL);
CREATE INDEX silences_by_until ON silences (until, number);
-- By which alerts are found that stand or ended lately, and what they are raised of, among much else.
CREATE INDEX alerts_standing ON alerts (kind, node, sender) WHERE resolved = 0;
CREATE INDEX alerts_by_resolved ON alerts (resolved, number) WHERE resolved > 0;
CREATE INDEX complaints_open ON complaints (customer) WHERE state = 'open';
-- Written so because it is reckoned with every verdict: a list of words (IN) costs half as much again as the row.
CREATE INDEX senders_held ON senders (changed) WHERE verdict <> 'clear' AND verdict <> 'alert' AND verdict <> '';
CREATE INDEX messages_of_virus ON messages (received, name) WHERE verdict = 3 AND corrected = 0;

-- The last letter to a customer about one cause. `sending` empty: it had no address.
CREATE TABLE letters (
    customer TEXT NOT NULL, cause TEXT NOT NULL, made BIGINT NOT NULL, times BIGINT NOT NULL, sending TEXT NOT NULL,
    language TEXT NOT NULL, person TEXT NOT NULL, PRIMARY KEY (customer, cause));
CREATE INDEX letters_by_made ON letters (made);

-- The numbers of a time that is over, as they were when its report was made: a report that is asked for again says the
-- same, also when what it was made from is gone. `kind`: "day", "week", "month"; `period`: "2026-W47".
CREATE TABLE reports (
    kind TEXT NOT NULL, period TEXT NOT NULL, zone TEXT NOT NULL, made BIGINT NOT NULL, numbers TEXT NOT NULL,
    PRIMARY KEY (kind, period, zone));
CREATE INDEX reports_by_made ON reports (made);
