-- Models in plain SQL (repeatable/16_forms.sql): which there are, and why there is none.
CREATE TABLE pgowl.forms (
    model_id bigint PRIMARY KEY,
    features integer,                -- of a row
    nodes    integer,                -- splits and leaves
    why      text,                   -- there is no form; NULL: there is the function pgowl.model_ID
    made_at  timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- What proxies tell the functions in the database. Numbers, as there are no others yet.
CREATE TABLE pgowl.settings (name text PRIMARY KEY, value bigint NOT NULL);

REVOKE ALL ON pgowl.forms, pgowl.settings FROM PUBLIC;
