-- What people asked for, by the name that the request was given: asked again, at this collector or another, it is not
-- done again.
CREATE TABLE asked (
    person BIGINT NOT NULL, name TEXT NOT NULL, time BIGINT NOT NULL, digest TEXT NOT NULL, revision BIGINT NOT NULL,
    PRIMARY KEY (person, name));
CREATE INDEX asked_by_time ON asked (time, person, name);
