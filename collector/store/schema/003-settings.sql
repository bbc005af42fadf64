-- Settings of nodes, as people set them: the newest of each node is what counts, node 0 is the whole fleet. Those before
-- stay, for who wants to know what stood there and who changed it. And what a node says of a revision, in its words.
CREATE TABLE settings (
    node BIGINT NOT NULL, revision BIGINT NOT NULL, time BIGINT NOT NULL, text TEXT NOT NULL,
    reason TEXT NOT NULL, person TEXT NOT NULL,
    PRIMARY KEY (node, revision));
CREATE INDEX settings_by_revision ON settings (revision);
ALTER TABLE acknowledgements ADD COLUMN text TEXT NOT NULL DEFAULT '';
