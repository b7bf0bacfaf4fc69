-- Models for texts that all proxies of the database share: pgowl models push puts them here, and a proxy that has a model not in its folder takes it from here. PostgresML has no such
-- tables. A model is as good as code, so nobody but the owner may write them, and whom he GRANTs it.
CREATE TABLE pgml.text_models (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name       text NOT NULL UNIQUE CHECK (name ~ '^[A-Za-z0-9][A-Za-z0-9._-]{0,95}(/[A-Za-z0-9][A-Za-z0-9._-]{0,95})?$'), -- NAME or ORGANISATION/NAME
    version    text NOT NULL CHECK (version ~ '^[0-9a-f]{64}$'), -- the SHA-256 of the paths, sizes and sums of its files
    revision   text NOT NULL DEFAULT '',                         -- that was pulled, and the commit that this was, where they are known
    commit     text NOT NULL DEFAULT '',
    bytes      bigint NOT NULL CHECK (bytes >= 0),
    pushed_by  text NOT NULL DEFAULT session_user,
    created_at timestamp without time zone NOT NULL DEFAULT clock_timestamp()
);

CREATE TABLE pgml.text_model_files (
    model_id bigint NOT NULL REFERENCES pgml.text_models (id) ON DELETE CASCADE,
    path     text NOT NULL CHECK (path ~ '^[A-Za-z0-9_][A-Za-z0-9._+-]*(/[A-Za-z0-9_][A-Za-z0-9._+-]*){0,4}$' AND length(path) <= 200),
    size     bigint NOT NULL CHECK (size >= 0),
    sha256   bytea NOT NULL CHECK (octet_length(sha256) = 32),
    PRIMARY KEY (model_id, path)
);

-- A file's bytes, in pieces that nobody needs much memory for.
CREATE TABLE pgml.text_model_parts (
    model_id bigint NOT NULL,
    path     text NOT NULL,
    part     integer NOT NULL CHECK (part >= 0), -- from 0 on
    data     bytea NOT NULL CHECK (octet_length(data) BETWEEN 1 AND 1048576),
    PRIMARY KEY (model_id, path, part),
    FOREIGN KEY (model_id, path) REFERENCES pgml.text_model_files (model_id, path) ON DELETE CASCADE
);
-- Weights hardly become smaller: trying it would only cost time.
ALTER TABLE pgml.text_model_parts ALTER COLUMN data SET STORAGE EXTERNAL;
