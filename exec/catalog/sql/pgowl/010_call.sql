-- The key that makes calls believable, and the answers that are too long for the quick channel. Both are the owner's alone.
CREATE TABLE pgowl.secret (key text NOT NULL);
INSERT INTO pgowl.secret (key)
    SELECT translate(gen_random_uuid()::text || gen_random_uuid()::text, '-', '');
CREATE UNIQUE INDEX secret_one ON pgowl.secret ((true));

CREATE UNLOGGED TABLE pgowl.replies (
    id text PRIMARY KEY,
    body text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

GRANT USAGE ON SCHEMA pgowl TO PUBLIC;
