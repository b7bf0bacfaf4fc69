-- Schema cron: pg_cron's tables as its users know them. What the scheduler needs beside them lives in schema pgowl, and is
-- emptied here, because ids start again when the schema was dropped and is made once more.

CREATE SCHEMA IF NOT EXISTS cron;
CREATE SCHEMA IF NOT EXISTS pgowl;
-- The cron functions run with the caller's rights and hand over to pgowl.cron_call.
GRANT USAGE ON SCHEMA pgowl TO PUBLIC;

CREATE SEQUENCE cron.jobid_seq;
CREATE SEQUENCE cron.runid_seq;
GRANT SELECT ON SEQUENCE cron.jobid_seq, cron.runid_seq TO PUBLIC;

CREATE TABLE cron.job (
    jobid    bigint  NOT NULL DEFAULT pg_catalog.nextval('cron.jobid_seq') PRIMARY KEY,
    schedule text    NOT NULL,
    command  text    NOT NULL,
    nodename text    NOT NULL DEFAULT 'localhost',
    -- inet_server_port() is NULL for a session that came over a Unix socket.
    nodeport integer NOT NULL DEFAULT coalesce(pg_catalog.inet_server_port(), pg_catalog.current_setting('port')::integer),
    database text    NOT NULL DEFAULT pg_catalog.current_database(),
    username text    NOT NULL DEFAULT CURRENT_USER,
    active   boolean NOT NULL DEFAULT true,
    jobname  text,
    CONSTRAINT jobname_username_uniq UNIQUE (jobname, username)
);
ALTER TABLE cron.job ENABLE ROW LEVEL SECURITY;
CREATE POLICY cron_job_policy ON cron.job USING (username = CURRENT_USER);
GRANT SELECT ON cron.job TO PUBLIC;

CREATE TABLE cron.job_run_details (
    jobid          bigint,
    runid          bigint NOT NULL DEFAULT pg_catalog.nextval('cron.runid_seq') PRIMARY KEY,
    job_pid        integer,
    database       text,
    username       text,
    command        text,
    status         text,
    return_message text,
    start_time     timestamptz,
    end_time       timestamptz
);
ALTER TABLE cron.job_run_details ENABLE ROW LEVEL SECURITY;
CREATE POLICY cron_job_run_details_policy ON cron.job_run_details USING (username = CURRENT_USER);
GRANT SELECT, DELETE ON cron.job_run_details TO PUBLIC;

-- Wakes the schedulers; a session that does not listen pays nothing.
CREATE FUNCTION cron.job_cache_invalidate() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_catalog.pg_notify('pgowl_cron', '');
    RETURN NULL;
END $$;
CREATE TRIGGER cron_job_cache_invalidate AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON cron.job
    FOR EACH STATEMENT EXECUTE FUNCTION cron.job_cache_invalidate();

-- One row: which scheduler leads. epoch is the fence: whoever takes over raises it, and every statement that queues or
-- starts a run asks for the epoch that it was elected with. minute is the last one that was evaluated.
CREATE TABLE IF NOT EXISTS pgowl.cron_leader (
    one        boolean     NOT NULL DEFAULT true PRIMARY KEY CHECK (one),
    epoch      bigint      NOT NULL DEFAULT 0,
    instance   text,
    renewed_at timestamptz NOT NULL DEFAULT '-infinity',
    expires_at timestamptz NOT NULL DEFAULT '-infinity',
    minute     timestamptz
);
-- Which occurrences of a job are due (runid NULL) or were started. The primary key is why none is started twice.
CREATE TABLE IF NOT EXISTS pgowl.cron_slots (
    jobid bigint      NOT NULL,
    slot  timestamptz NOT NULL,
    runid bigint,
    PRIMARY KEY (jobid, slot)
);
CREATE INDEX IF NOT EXISTS cron_slots_pending ON pgowl.cron_slots (slot) WHERE runid IS NULL;
-- Runs that go on, each kept alive by the scheduler that runs it. One per job, whichever scheduler leads by now.
CREATE TABLE IF NOT EXISTS pgowl.cron_runs (
    runid      bigint      NOT NULL PRIMARY KEY,
    jobid      bigint      NOT NULL UNIQUE,
    instance   text        NOT NULL,
    pid        integer,
    expires_at timestamptz NOT NULL
);
REVOKE ALL ON pgowl.cron_leader, pgowl.cron_slots, pgowl.cron_runs FROM PUBLIC;
DELETE FROM pgowl.cron_slots;
DELETE FROM pgowl.cron_runs;
UPDATE pgowl.cron_leader SET minute = NULL;
INSERT INTO pgowl.cron_leader DEFAULT VALUES ON CONFLICT DO NOTHING;
