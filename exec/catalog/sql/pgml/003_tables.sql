-- PostgresML's tables: its names, its columns, their order, types and defaults, so that existing queries and dashboards go on working.
CREATE TABLE pgml.projects (
    id         bigserial PRIMARY KEY,
    name       text NOT NULL,
    task       pgml.task NOT NULL,
    created_at timestamp without time zone NOT NULL DEFAULT clock_timestamp(),
    updated_at timestamp without time zone NOT NULL DEFAULT clock_timestamp()
);
CREATE UNIQUE INDEX projects_name_idx ON pgml.projects (name);

CREATE TABLE pgml.snapshots (
    id            bigserial PRIMARY KEY,
    relation_name text NOT NULL,
    y_column_name text[],
    test_size     real NOT NULL,
    test_sampling pgml.sampling NOT NULL,
    status        text NOT NULL,
    columns       jsonb,
    analysis      jsonb,
    created_at    timestamp without time zone NOT NULL DEFAULT clock_timestamp(),
    updated_at    timestamp without time zone NOT NULL DEFAULT clock_timestamp(),
    materialized  boolean DEFAULT false
);

CREATE TABLE pgml.models (
    id            bigserial PRIMARY KEY,
    project_id    bigint NOT NULL REFERENCES pgml.projects (id) ON DELETE CASCADE,
    snapshot_id   bigint REFERENCES pgml.snapshots (id) ON DELETE SET NULL,
    num_features  integer NOT NULL,
    algorithm     text NOT NULL,
    runtime       pgml.runtime DEFAULT 'python',
    hyperparams   jsonb NOT NULL,
    status        text NOT NULL,
    metrics       jsonb,
    search        text,
    search_params jsonb NOT NULL,
    search_args   jsonb NOT NULL,
    created_at    timestamp without time zone NOT NULL DEFAULT clock_timestamp(),
    updated_at    timestamp without time zone NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX models_project_id_idx ON pgml.models (project_id);
CREATE INDEX models_snapshot_id_idx ON pgml.models (snapshot_id);

CREATE TABLE pgml.deployments (
    id         bigserial PRIMARY KEY,
    project_id bigint NOT NULL REFERENCES pgml.projects (id) ON DELETE CASCADE,
    model_id   bigint NOT NULL REFERENCES pgml.models (id) ON DELETE CASCADE,
    strategy   pgml.strategy NOT NULL,
    created_at timestamp without time zone NOT NULL DEFAULT clock_timestamp()
);
-- Every prediction looks up its project's newest deployment.
CREATE INDEX deployments_project_id_created_at_idx ON pgml.deployments (project_id, created_at, id);
CREATE INDEX deployments_model_id_created_at_idx ON pgml.deployments (model_id, created_at);

CREATE TABLE pgml.files (
    id         bigserial PRIMARY KEY,
    model_id   bigint NOT NULL REFERENCES pgml.models (id) ON DELETE CASCADE,
    path       text NOT NULL,
    part       integer NOT NULL,
    created_at timestamp without time zone NOT NULL DEFAULT clock_timestamp(),
    updated_at timestamp without time zone NOT NULL DEFAULT clock_timestamp(),
    data       bytea NOT NULL
);
CREATE UNIQUE INDEX files_model_id_path_part_idx ON pgml.files (model_id, path, part);
-- Models are compressed by their own format or not at all: trying it again would only cost time.
ALTER TABLE pgml.files ALTER COLUMN data SET STORAGE EXTERNAL;

CREATE TABLE pgml.logs (
    id         serial PRIMARY KEY,
    model_id   bigint,
    project_id bigint,
    created_at timestamp without time zone DEFAULT CURRENT_TIMESTAMP,
    logs       jsonb
);
