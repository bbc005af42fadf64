-- What people ask for often has an index of its own: the records of one kind, and those of one node, in the order in
-- which they came. Both grow at their ends, a place for each kind and each node: what comes in order costs little.
CREATE INDEX records_by_kind ON records (kind, received, node, sequence);
CREATE INDEX records_by_node ON records (node, received, sequence);
