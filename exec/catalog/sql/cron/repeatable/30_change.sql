-- What the cron functions do, as the owner, for a caller whose name is known to be true. Checks, their order and their
-- texts are pg_cron's. For the owner of the tables, who may write any row of them by hand, "superuser" is too much to ask
-- on a managed server, so the owner (and who has the owner's rights) counts as one.

CREATE OR REPLACE FUNCTION pgowl.cron_admin(role_name text) RETURNS boolean
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT rolsuper OR pg_has_role(rolname, (SELECT relowner FROM pg_class WHERE oid = 'cron.job'::regclass), 'USAGE')
      FROM pg_roles WHERE rolname = role_name
$$;

CREATE OR REPLACE FUNCTION pgowl.cron_check_login(role_name text) RETURNS void
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    login boolean := (SELECT rolcanlogin FROM pg_roles WHERE rolname = role_name);
BEGIN
    IF login IS NULL THEN
        RAISE EXCEPTION 'role "%" does not exist', role_name USING ERRCODE = 'XX000';
    ELSIF NOT login THEN
        RAISE EXCEPTION 'role "%" can not log in', role_name USING ERRCODE = 'XX000',
            DETAIL = 'Jobs may only be run by roles that have the LOGIN attribute.';
    END IF;
END $$;

CREATE OR REPLACE FUNCTION pgowl.cron_check_superuser(role_name text) RETURNS void
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF pgowl.cron_setting('cron.enable_superuser_jobs', false) IN ('off', 'false', 'no', '0')
        AND (SELECT rolsuper FROM pg_roles WHERE rolname = role_name)
    THEN
        RAISE EXCEPTION 'cannot schedule jobs as superuser' USING ERRCODE = '42501',
            DETAIL = 'Scheduling jobs as superuser is disallowed when cron.enable_superuser_jobs is set to off.';
    END IF;
END $$;

CREATE OR REPLACE FUNCTION pgowl.cron_check_connect(role_name text, database text) RETURNS void
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    -- A database that does not exist is has_database_privilege's own error, 3D000.
    IF NOT has_database_privilege(role_name, database, 'CONNECT') THEN
        RAISE EXCEPTION 'User % does not have CONNECT privilege on %', role_name, database USING ERRCODE = 'XX000';
    END IF;
END $$;

CREATE OR REPLACE FUNCTION pgowl.cron_do_schedule(caller text, args jsonb) RETURNS bigint
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    run_as text := coalesce(args->>'username', caller);
    db text := coalesce(args->>'database', current_database());
    id bigint;
BEGIN
    IF args->>'schedule' IS NULL OR args->>'command' IS NULL THEN
        RAISE EXCEPTION '% can not be NULL', CASE WHEN args->>'schedule' IS NULL THEN 'schedule' ELSE 'command' END
            USING ERRCODE = 'XX000';
    END IF;
    PERFORM pgowl.cron_check_schedule(args->>'schedule');
    IF args->>'username' IS NOT NULL THEN
        IF NOT pgowl.cron_admin(caller) THEN
            RAISE EXCEPTION 'must be superuser to create a job for another role' USING ERRCODE = 'XX000';
        END IF;
        PERFORM pgowl.cron_check_login(run_as);
    END IF;
    PERFORM pgowl.cron_check_superuser(run_as);
    PERFORM pgowl.cron_check_connect(run_as, db);
    INSERT INTO cron.job AS j (schedule, command, nodename, nodeport, database, username, active, jobname)
        VALUES (args->>'schedule', args->>'command', 'localhost', current_setting('port')::integer, db, run_as,
                coalesce((args->>'active')::boolean, true), args->>'name')
        ON CONFLICT ON CONSTRAINT jobname_username_uniq
        DO UPDATE SET schedule = EXCLUDED.schedule, command = EXCLUDED.command, database = EXCLUDED.database
        RETURNING j.jobid INTO id;
    RETURN id;
END $$;

CREATE OR REPLACE FUNCTION pgowl.cron_do_unschedule(caller text, args jsonb) RETURNS bigint
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    id bigint := (args->>'id')::bigint;
    who text;
BEGIN
    IF args ? 'name' THEN
        DELETE FROM cron.job WHERE jobname = args->>'name' AND username = caller RETURNING jobid INTO id;
        IF NOT FOUND THEN
            RAISE EXCEPTION 'could not find valid entry for job ''%''', args->>'name' USING ERRCODE = 'XX000';
        END IF;
        RETURN id;
    END IF;
    SELECT username INTO who FROM cron.job WHERE jobid = id FOR UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'could not find valid entry for job %', id USING ERRCODE = 'XX000';
    ELSIF who <> caller AND NOT has_table_privilege(caller, 'cron.job', 'DELETE') THEN
        RAISE EXCEPTION 'permission denied for table job' USING ERRCODE = '42501';
    END IF;
    DELETE FROM cron.job WHERE jobid = id;
    RETURN id;
END $$;

CREATE OR REPLACE FUNCTION pgowl.cron_do_alter(caller text, args jsonb) RETURNS bigint
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    id bigint := (args->>'id')::bigint;
    run_as text := coalesce(args->>'username', caller);
    admin boolean := pgowl.cron_admin(caller);
BEGIN
    IF id IS NULL THEN
        RAISE EXCEPTION 'job_id can not be NULL' USING ERRCODE = 'XX000';
    END IF;
    IF args->>'username' IS NOT NULL THEN
        IF NOT admin THEN
            RAISE EXCEPTION 'must be superuser to alter username' USING ERRCODE = 'XX000';
        END IF;
        PERFORM pgowl.cron_check_login(run_as);
    END IF;
    PERFORM pgowl.cron_check_superuser(run_as);
    IF args->>'database' IS NOT NULL THEN
        PERFORM pgowl.cron_check_connect(run_as, args->>'database');
    END IF;
    PERFORM pgowl.cron_check_schedule(args->>'schedule');
    IF coalesce(args->>'schedule', args->>'command', args->>'database', args->>'username', args->>'active') IS NULL THEN
        RAISE EXCEPTION 'no updates specified' USING ERRCODE = 'XX000',
            HINT = 'You must specify at least one job attribute to change when calling alter_job';
    END IF;
    UPDATE cron.job SET
        schedule = coalesce(args->>'schedule', schedule),
        command = coalesce(args->>'command', command),
        database = coalesce(args->>'database', database),
        username = coalesce(args->>'username', username),
        active = coalesce((args->>'active')::boolean, active)
        WHERE jobid = id AND (admin OR username = caller);
    IF NOT FOUND THEN
        RAISE EXCEPTION 'Job % does not exist or you don''t own it', id USING ERRCODE = 'XX000';
    END IF;
    RETURN id;
END $$;

REVOKE ALL ON FUNCTION pgowl.cron_do_schedule(text, jsonb), pgowl.cron_do_unschedule(text, jsonb),
    pgowl.cron_do_alter(text, jsonb) FROM PUBLIC;
