-- Complaints and alerts. {BYTES}: as in the schemas before.
--
-- By which a complaint finds the message that it is about: its Message-ID, and the digest of its text's normal form.
ALTER TABLE messages ADD COLUMN message_id TEXT NOT NULL DEFAULT '';
ALTER TABLE messages ADD COLUMN body TEXT NOT NULL DEFAULT '';
CREATE INDEX messages_by_message_id ON messages (message_id, received) WHERE message_id <> '';
CREATE INDEX messages_by_body ON messages (body, received) WHERE body <> '';
CREATE INDEX messages_by_address ON messages (address, time);
CREATE INDEX senders_by_address ON senders (address) WHERE address <> '';

-- Complaints. `id`: of what came, its first 16 hexadecimal digits of a BLAKE2b; `arrival`: of what it came in. What
-- tells the same once more (`likeness`, empty: nothing is like it) is counted at the first's `times`. `tied`: how it
-- was tied, "message", "text", "address", "" (to nobody: a person looks at it). `state`: "open", "done", "unread" (it
-- could not be understood), "double", "arrived" (nobody has looked at it yet; `closed` is until when it is in
-- somebody's hand). `person` was done with it at `closed`, for a `reason`.
CREATE TABLE complaints (
    id TEXT NOT NULL PRIMARY KEY, arrival TEXT NOT NULL, received BIGINT NOT NULL, time BIGINT NOT NULL, source TEXT NOT NULL,
    format TEXT NOT NULL, type TEXT NOT NULL, reporter TEXT NOT NULL, address TEXT NOT NULL, sender TEXT NOT NULL,
    customer TEXT NOT NULL, node BIGINT NOT NULL, message_id TEXT NOT NULL, subject TEXT NOT NULL,
    recipient TEXT NOT NULL, message TEXT NOT NULL, tied TEXT NOT NULL, state TEXT NOT NULL, times BIGINT NOT NULL,
    incidents BIGINT NOT NULL, closed BIGINT NOT NULL, person TEXT NOT NULL, reason TEXT NOT NULL, note TEXT NOT NULL,
    likeness TEXT NOT NULL, fields TEXT NOT NULL);
CREATE INDEX complaints_by_received ON complaints (received, id);
CREATE INDEX complaints_by_customer ON complaints (customer, received);
CREATE INDEX complaints_by_likeness ON complaints (likeness, received) WHERE likeness <> '';
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
