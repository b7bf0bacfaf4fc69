-- How a caller's request reaches the owner's tables with the caller's own name on it.
--
-- pg_cron's functions are C: they know the caller and act as the extension's owner. In PL/pgSQL a SECURITY DEFINER function
-- no longer sees who called it, and an outer function that passes the name on could be passed by by anyone. A view is
-- both: it belongs to the owner, but current_user in its columns is the role that runs the statement (also after SET ROLE, and
-- inside other people's SECURITY DEFINER functions). An UPDATE of the view puts that value in OLD, where no caller can
-- write, and its INSTEAD OF trigger runs as the owner. Everybody may update the view; the trigger asks for the same
-- privileges on the cron functions as a call of them needs.

CREATE OR REPLACE VIEW pgowl.cron_call AS
    SELECT CURRENT_USER::text AS caller, NULL::text AS op, NULL::jsonb AS args, NULL::bigint AS result;

-- A setting of pg_cron given by ALTER DATABASE ... SET, else by the configuration. (No extension declares them here, so any
-- session may SET them for itself: what protects something has to look at the first.)
CREATE OR REPLACE FUNCTION pgowl.cron_setting(setting text, of_session boolean DEFAULT true) RETURNS text
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT coalesce(
        (SELECT substr(c, length(setting) + 2)
           FROM pg_db_role_setting s, unnest(s.setconfig) c
          WHERE s.setrole = 0 AND s.setdatabase IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))
            AND starts_with(c, setting || '=')
          ORDER BY s.setdatabase DESC LIMIT 1),
        CASE WHEN of_session THEN current_setting(setting, true) END)
$$;

CREATE OR REPLACE FUNCTION pgowl.cron_on_call() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    caller text := OLD.caller;
    fn regprocedure := CASE NEW.op
        WHEN 'schedule' THEN 'cron.schedule(text,text)'
        WHEN 'schedule_named' THEN 'cron.schedule(text,text,text)'
        WHEN 'schedule_in_database' THEN 'cron.schedule_in_database(text,text,text,text,text,boolean)'
        WHEN 'unschedule' THEN 'cron.unschedule(bigint)'
        WHEN 'unschedule_named' THEN 'cron.unschedule(text)'
        WHEN 'alter_job' THEN 'cron.alter_job(bigint,text,text,text,text,boolean)'
        END::regprocedure;
BEGIN
    IF fn IS NULL THEN
        RAISE EXCEPTION 'unknown operation on view cron_call' USING ERRCODE = '0A000';
    ELSIF NOT has_schema_privilege(caller, 'cron', 'USAGE') THEN
        RAISE EXCEPTION 'permission denied for schema cron' USING ERRCODE = '42501';
    ELSIF NOT has_function_privilege(caller, fn, 'EXECUTE') THEN
        RAISE EXCEPTION 'permission denied for function %', (SELECT proname FROM pg_proc WHERE oid = fn) USING ERRCODE = '42501';
    END IF;
    -- Each operation sees the arguments of its own function, so that one function's right is no way to another's powers.
    SELECT coalesce(jsonb_object_agg(key, value), '{}') INTO NEW.args FROM jsonb_each(NEW.args)
     WHERE key = ANY (CASE NEW.op
        WHEN 'schedule' THEN '{schedule,command}'
        WHEN 'schedule_named' THEN '{name,schedule,command}'
        WHEN 'schedule_in_database' THEN '{name,schedule,command,database,username,active}'
        WHEN 'unschedule' THEN '{id}'
        WHEN 'unschedule_named' THEN '{name}'
        ELSE '{id,schedule,command,database,username,active}'
        END::text[]);
    NEW.result := CASE
        WHEN NEW.op LIKE 'schedule%' THEN pgowl.cron_do_schedule(caller, NEW.args)
        WHEN NEW.op LIKE 'unschedule%' THEN pgowl.cron_do_unschedule(caller, NEW.args)
        ELSE pgowl.cron_do_alter(caller, NEW.args)
        END;
    RETURN NEW;
END $$;

DO $$
BEGIN
    -- CREATE OR REPLACE TRIGGER came with Postgres 14.
    IF NOT EXISTS (SELECT FROM pg_catalog.pg_trigger WHERE tgrelid = 'pgowl.cron_call'::regclass AND tgname = 'cron_call') THEN
        CREATE TRIGGER cron_call INSTEAD OF UPDATE ON pgowl.cron_call FOR EACH ROW EXECUTE FUNCTION pgowl.cron_on_call();
    END IF;
END $$;
REVOKE ALL ON FUNCTION pgowl.cron_on_call() FROM PUBLIC;
GRANT SELECT, UPDATE ON pgowl.cron_call TO PUBLIC;

-- The way in that the cron functions share. The UPDATE would name itself in a read-only transaction, so that is asked first.
CREATE OR REPLACE FUNCTION pgowl.cron_request(op text, args jsonb) RETURNS bigint
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
    id bigint;
BEGIN
    IF current_setting('transaction_read_only')::boolean THEN
        PERFORM pgowl.cron_check_schedule(args->>'schedule');
        RAISE EXCEPTION 'cannot execute % in a read-only transaction',
            CASE WHEN $1 LIKE 'schedule%' THEN 'INSERT' WHEN $1 LIKE 'un%' THEN 'DELETE' ELSE 'UPDATE' END
            USING ERRCODE = '25006';
    END IF;
    UPDATE pgowl.cron_call SET op = $1, args = $2 RETURNING result INTO STRICT id;
    RETURN id;
END $$;
