-- The functions that users call: pg_cron 1.6's names, arguments and strictness. They run as the caller; see 20_call.sql.

CREATE OR REPLACE FUNCTION cron.schedule(schedule text, command text) RETURNS bigint
LANGUAGE plpgsql VOLATILE STRICT SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN pgowl.cron_request('schedule', jsonb_build_object('schedule', $1, 'command', $2));
END $$;

CREATE OR REPLACE FUNCTION pgowl.cron_not_null(name text, is_null boolean) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF is_null THEN
        RAISE EXCEPTION '% can not be NULL', name USING ERRCODE = 'XX000';
    END IF;
END $$;

CREATE OR REPLACE FUNCTION cron.schedule(job_name text, schedule text, command text) RETURNS bigint
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM pgowl.cron_not_null('job_name', $1 IS NULL);
    PERFORM pgowl.cron_not_null('schedule', $2 IS NULL);
    PERFORM pgowl.cron_not_null('command', $3 IS NULL);
    RETURN pgowl.cron_request('schedule_named', jsonb_build_object('name', $1, 'schedule', $2, 'command', $3));
END $$;

DO $$
DECLARE
    fresh boolean := to_regprocedure('cron.alter_job(bigint,text,text,text,text,boolean)') IS NULL;
BEGIN
    CREATE OR REPLACE FUNCTION cron.schedule_in_database(job_name text, schedule text, command text, database text,
        username text DEFAULT NULL, active boolean DEFAULT true) RETURNS bigint
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $f$
    BEGIN
        PERFORM pgowl.cron_not_null('job_name', $1 IS NULL);
        PERFORM pgowl.cron_not_null('schedule', $2 IS NULL);
        PERFORM pgowl.cron_not_null('command', $3 IS NULL);
        RETURN pgowl.cron_request('schedule_in_database', jsonb_build_object('name', $1, 'schedule', $2, 'command', $3,
            'database', $4, 'username', $5, 'active', $6));
    END $f$;

    CREATE OR REPLACE FUNCTION cron.alter_job(job_id bigint, schedule text DEFAULT NULL, command text DEFAULT NULL,
        database text DEFAULT NULL, username text DEFAULT NULL, active boolean DEFAULT NULL) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $f$
    BEGIN
        PERFORM pgowl.cron_not_null('job_id', $1 IS NULL);
        PERFORM pgowl.cron_request('alter_job', jsonb_build_object('id', $1, 'schedule', $2, 'command', $3,
            'database', $4, 'username', $5, 'active', $6));
    END $f$;

    -- Once only: what an administrator grants later must survive the next version of this file.
    IF fresh THEN
        REVOKE ALL ON FUNCTION cron.schedule_in_database(text, text, text, text, text, boolean) FROM PUBLIC;
        REVOKE ALL ON FUNCTION cron.alter_job(bigint, text, text, text, text, boolean) FROM PUBLIC;
    END IF;
END $$;

CREATE OR REPLACE FUNCTION cron.unschedule(job_id bigint) RETURNS boolean
LANGUAGE plpgsql VOLATILE STRICT SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM pgowl.cron_request('unschedule', jsonb_build_object('id', $1));
    RETURN true;
END $$;

CREATE OR REPLACE FUNCTION cron.unschedule(job_name text) RETURNS boolean
LANGUAGE plpgsql VOLATILE STRICT SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM pgowl.cron_request('unschedule_named', jsonb_build_object('name', $1));
    RETURN true;
END $$;

COMMENT ON FUNCTION cron.schedule(text, text) IS 'schedule a command';
COMMENT ON FUNCTION cron.schedule(text, text, text) IS 'schedule a command under a name, or change the job of that name';
COMMENT ON FUNCTION cron.schedule_in_database(text, text, text, text, text, boolean) IS 'schedule a command in a database, for a role';
COMMENT ON FUNCTION cron.unschedule(bigint) IS 'remove a job by its id';
COMMENT ON FUNCTION cron.unschedule(text) IS 'remove a job of one''s own by its name';
COMMENT ON FUNCTION cron.alter_job(bigint, text, text, text, text, boolean) IS 'change some attributes of a job';
