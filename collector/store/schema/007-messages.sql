-- Messages that nodes sent in, what filters say of them, and what filters were taught. {CLUSTERED}, {BYTES}: the
-- engine's own words for a table in the order of its key, and for bytes.
--
-- (node, life, number) is what the node calls it: sent twice it is there once. `due`: since when it waits for a sorter
-- to take it apart, 0: that is done; `holder` has it until `held`. `verdict`, `corrected`: enum store_sorted. `score`:
-- the highest share of its own threshold that any filter gave, in hundredths.
CREATE TABLE messages (
    name TEXT NOT NULL PRIMARY KEY, node BIGINT NOT NULL, life BIGINT NOT NULL, number BIGINT NOT NULL,
    received BIGINT NOT NULL, time BIGINT NOT NULL, sender TEXT NOT NULL, customer TEXT NOT NULL,
    address TEXT NOT NULL, author TEXT NOT NULL, subject TEXT NOT NULL, envelope TEXT NOT NULL, size BIGINT NOT NULL,
    kept BIGINT NOT NULL, verdict BIGINT NOT NULL, corrected BIGINT NOT NULL, score BIGINT NOT NULL,
    due BIGINT NOT NULL, holder BIGINT NOT NULL, held BIGINT NOT NULL);
CREATE UNIQUE INDEX messages_by_number ON messages (node, life, number);
CREATE INDEX messages_by_due ON messages (due, name) WHERE due > 0;
CREATE INDEX messages_by_received ON messages (received, name, kept);
CREATE INDEX messages_by_sender ON messages (sender, received);
CREATE INDEX messages_by_customer ON messages (customer, received);
CREATE TABLE contents (name TEXT NOT NULL PRIMARY KEY, packing BIGINT NOT NULL, bytes {BYTES} NOT NULL);

-- One row a message and filter. `state`: enum store_opinion_state. `due`: when the filter is asked (again), or, of one
-- that is out, until when it is waited for; 0: never, or not before filters of a lower order have said something.
-- `holder` is asking it until `held`. `since`: when the message was taken apart.
CREATE TABLE opinions (
    name TEXT NOT NULL, filter TEXT NOT NULL, state BIGINT NOT NULL, tries BIGINT NOT NULL, due BIGINT NOT NULL,
    holder BIGINT NOT NULL, held BIGINT NOT NULL, since BIGINT NOT NULL, asked BIGINT NOT NULL,
    answered BIGINT NOT NULL, score BIGINT NOT NULL, threshold BIGINT NOT NULL, certain BIGINT NOT NULL,
    virus BIGINT NOT NULL, action TEXT NOT NULL, symbols TEXT NOT NULL, trouble TEXT NOT NULL,
    PRIMARY KEY (name, filter)) {CLUSTERED};
CREATE INDEX opinions_by_due ON opinions (filter, due, name) WHERE due > 0;
CREATE INDEX opinions_by_since ON opinions (since, name, filter) WHERE due > 0;

-- The collectors that have something in hand, and until when each will be heard of again: what one has that is not heard
-- of is everybody's.
CREATE TABLE sorters (holder BIGINT NOT NULL PRIMARY KEY, until BIGINT NOT NULL);

-- What each node is told of its messages. Numbers rise per store as their transactions commit: the one row of `sorting`
-- is locked until then.
CREATE TABLE filtered (
    node BIGINT NOT NULL, number BIGINT NOT NULL, kept BIGINT NOT NULL, text TEXT NOT NULL,
    PRIMARY KEY (node, number)) {CLUSTERED};
CREATE INDEX filtered_by_kept ON filtered (kept, node, number);
CREATE TABLE sorting (only_one BIGINT NOT NULL PRIMARY KEY, highest BIGINT NOT NULL);
INSERT INTO sorting (only_one, highest) VALUES (1, 0);

-- What filters are taught: a message is known by the digest of its content (lessons.h), whether or not it is kept here.
-- `lesson`: what was last asked for; `taught`: what the filter was last told (enum store_taught). `due` 0: nothing is to
-- be done. `name`: of the message that has the content; empty: it stands in lesson_contents.
CREATE TABLE lessons (
    digest TEXT NOT NULL, filter TEXT NOT NULL, lesson BIGINT NOT NULL, taught BIGINT NOT NULL, asked BIGINT NOT NULL,
    done BIGINT NOT NULL, due BIGINT NOT NULL, tries BIGINT NOT NULL, person TEXT NOT NULL, name TEXT NOT NULL,
    trouble TEXT NOT NULL,
    PRIMARY KEY (digest, filter));
CREATE INDEX lessons_by_due ON lessons (filter, due, digest);
CREATE INDEX lessons_by_asked ON lessons (asked, digest, filter);
CREATE INDEX lessons_by_name ON lessons (name);
CREATE TABLE lesson_contents (
    digest TEXT NOT NULL PRIMARY KEY, kept BIGINT NOT NULL, packing BIGINT NOT NULL, bytes {BYTES} NOT NULL);
CREATE INDEX lesson_contents_by_kept ON lesson_contents (kept, digest);

-- How often each text and each picture was seen over all nodes and customers: bulk.c. `kind`: "body", "picture".
-- `digest`: of the text's normal form, or the picture's perceptual hash, in hexadecimal digits. `count`: recipients within
-- the window; `told`: steps of the threshold that this is.
CREATE TABLE bulk (
    kind TEXT NOT NULL, digest TEXT NOT NULL, first BIGINT NOT NULL, seen BIGINT NOT NULL, count BIGINT NOT NULL,
    messages BIGINT NOT NULL, customers BIGINT NOT NULL, nodes BIGINT NOT NULL, told BIGINT NOT NULL,
    PRIMARY KEY (kind, digest));
CREATE INDEX bulk_by_seen ON bulk (seen, kind, digest);
-- Recipients of one customer ("=NAME"), or of one sender without one ("~NAME"), in half a window, `period`, and in the one
-- before; "": of those for whom there was no place.
CREATE TABLE bulk_senders (
    kind TEXT NOT NULL, digest TEXT NOT NULL, node BIGINT NOT NULL, customer TEXT NOT NULL, period BIGINT NOT NULL,
    count BIGINT NOT NULL, earlier BIGINT NOT NULL, first BIGINT NOT NULL, seen BIGINT NOT NULL,
    PRIMARY KEY (kind, digest, node, customer)) {CLUSTERED};
-- The bytes of a picture's hash, each with its place, by which near ones are found.
CREATE TABLE bulk_parts (part BIGINT NOT NULL, digest TEXT NOT NULL, PRIMARY KEY (part, digest)) {CLUSTERED};
CREATE INDEX bulk_parts_by_digest ON bulk_parts (digest);

-- Messages that are never taught: what filters say of them before and after lessons shows what those do. `lesson`: what
-- a person says that it is. `before_`, `after_`: when it was asked first and last (0: not yet) and what it said;
-- `_bayes`: what its statistics alone say, enum store_bayes.
CREATE TABLE held_back (
    digest TEXT NOT NULL, filter TEXT NOT NULL, lesson BIGINT NOT NULL, name TEXT NOT NULL, asked BIGINT NOT NULL,
    due BIGINT NOT NULL, tries BIGINT NOT NULL,
    before_at BIGINT NOT NULL, before_spam BIGINT NOT NULL, before_score BIGINT NOT NULL, before_bayes BIGINT NOT NULL,
    after_at BIGINT NOT NULL, after_spam BIGINT NOT NULL, after_score BIGINT NOT NULL, after_bayes BIGINT NOT NULL,
    PRIMARY KEY (digest, filter));
CREATE INDEX held_back_by_due ON held_back (filter, due, digest);

-- What people released from the quarantine: once each. `state`: enum store_release_state.
CREATE TABLE releases (
    name TEXT NOT NULL PRIMARY KEY, person TEXT NOT NULL, asked BIGINT NOT NULL, state BIGINT NOT NULL,
    tries BIGINT NOT NULL, due BIGINT NOT NULL, done BIGINT NOT NULL, answer TEXT NOT NULL);
CREATE INDEX releases_by_due ON releases (due, name);
