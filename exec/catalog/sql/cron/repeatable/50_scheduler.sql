-- The schedulers' own functions, for the owner alone (exec/cron/store.go calls them). All time limits use the server's
-- clock, so proxies need not agree about the time. SQLSTATE PO001 = "you no longer lead".

-- Elects the caller if nobody leads: the lease ran out, or the leader's connection, which holds an advisory lock with the
-- epoch's number, is gone (that is why a killed leader is replaced at once, and a frozen one after the lease).
-- boot: this scheduler was not there while another led, so nothing was standing by: a start, not a failover.
CREATE OR REPLACE FUNCTION pgowl.cron_lead(me text, started timestamptz, lease double precision,
    OUT won_epoch bigint, OUT boot boolean, OUT last_minute timestamptz, OUT silent interval)
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    lock_class CONSTANT integer := 1668445038;
    l pgowl.cron_leader;
BEGIN
    FOR turn IN 1..2 LOOP
        IF turn = 1 THEN
            SELECT * INTO l FROM pgowl.cron_leader;
        ELSE
            SELECT * INTO l FROM pgowl.cron_leader FOR UPDATE;
        END IF;
        -- A look without a lock first: standbys ask every second.
        IF l.instance <> me AND l.expires_at > clock_timestamp() AND EXISTS (
            SELECT FROM pg_locks WHERE locktype = 'advisory' AND granted AND objsubid = 2
                AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
                AND classid = lock_class::bigint::oid AND objid = (l.epoch % 2147483647)::oid)
        THEN
            RETURN;
        END IF;
    END LOOP;
    won_epoch := l.epoch + 1;
    boot := started > l.renewed_at;
    last_minute := l.minute;
    silent := clock_timestamp() - nullif(l.renewed_at, '-infinity');
    PERFORM pg_try_advisory_lock_shared(lock_class, (won_epoch % 2147483647)::integer);
    UPDATE pgowl.cron_leader SET epoch = won_epoch, instance = me,
        renewed_at = clock_timestamp(), expires_at = clock_timestamp() + make_interval(secs => lease);
END $$;

-- Still the leader? Then the lease is extended, and no one else can take over before this transaction has ended.
CREATE OR REPLACE FUNCTION pgowl.cron_fence(my_epoch bigint, lease double precision) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    UPDATE pgowl.cron_leader SET renewed_at = clock_timestamp(), expires_at = clock_timestamp() + make_interval(secs => lease)
        WHERE epoch = my_epoch;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'another scheduler leads' USING ERRCODE = 'PO001';
    END IF;
END $$;

-- Queues occurrences and remembers the minute that they were found in; gives back those that are new.
CREATE OR REPLACE FUNCTION pgowl.cron_queue(my_epoch bigint, lease double precision, at_minute timestamptz,
    jobids bigint[], slots timestamptz[]) RETURNS TABLE (new_jobid bigint, new_slot timestamptz)
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM pgowl.cron_fence(my_epoch, lease);
    IF at_minute IS NOT NULL THEN
        UPDATE pgowl.cron_leader SET minute = at_minute;
    END IF;
    RETURN QUERY INSERT INTO pgowl.cron_slots AS s (jobid, slot) SELECT * FROM unnest(jobids, slots)
        ON CONFLICT DO NOTHING RETURNING s.jobid, s.slot;
END $$;

-- Claims a queued occurrence and writes its history row, in one transaction under the fence. outcome: started; taken (by
-- an earlier claim); busy (a run of the job goes on, maybe with another scheduler); gone (no such job any more, or
-- inactive); refused (a superuser's job where these are switched off).
CREATE OR REPLACE FUNCTION pgowl.cron_start(my_epoch bigint, lease double precision, me text, of_job bigint, at_slot timestamptz,
    log_run boolean, superusers boolean,
    OUT outcome text, OUT run bigint, OUT job_database text, OUT job_username text, OUT job_command text)
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM pgowl.cron_fence(my_epoch, lease);
    PERFORM FROM pgowl.cron_slots WHERE jobid = of_job AND slot = at_slot AND runid IS NULL;
    IF NOT FOUND THEN
        outcome := 'taken';
        RETURN;
    END IF;
    SELECT database, username, command INTO job_database, job_username, job_command FROM cron.job WHERE jobid = of_job AND active;
    IF NOT FOUND THEN
        DELETE FROM pgowl.cron_slots WHERE jobid = of_job AND slot = at_slot;
        outcome := 'gone';
        RETURN;
    END IF;
    run := nextval('cron.runid_seq');
    outcome := CASE WHEN NOT superusers AND (SELECT rolsuper FROM pg_roles WHERE rolname = job_username)
        THEN 'refused' ELSE 'started' END;
    IF outcome = 'started' THEN
        INSERT INTO pgowl.cron_runs (runid, jobid, instance, expires_at)
            VALUES (run, of_job, me, clock_timestamp() + make_interval(secs => 2 * lease)) ON CONFLICT DO NOTHING;
        IF NOT FOUND THEN
            outcome := 'busy';
            RETURN;
        END IF;
    END IF;
    UPDATE pgowl.cron_slots SET runid = run WHERE jobid = of_job AND slot = at_slot;
    IF log_run THEN
        INSERT INTO cron.job_run_details (jobid, runid, database, username, command, status, return_message)
            VALUES (of_job, run, job_database, job_username, job_command,
                CASE outcome WHEN 'started' THEN 'starting' ELSE 'failed' END,
                CASE outcome WHEN 'refused' THEN 'cannot schedule jobs as superuser' END);
    END IF;
END $$;

-- Keeps a scheduler's runs alive, for twice the lease: they are not to be taken for dead by one slow look.
CREATE OR REPLACE FUNCTION pgowl.cron_keep(me text, lease double precision) RETURNS TABLE (kept_runid bigint, kept_jobid bigint)
LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
    UPDATE pgowl.cron_runs SET expires_at = clock_timestamp() + make_interval(secs => 2 * lease) WHERE instance = me
        RETURNING runid, jobid
$$;

-- Gives a claim back that its scheduler knows not to have used, unless it was used after all (then it has a pid).
CREATE OR REPLACE FUNCTION pgowl.cron_unclaim(run bigint) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    begun boolean;
BEGIN
    DELETE FROM pgowl.cron_runs WHERE runid = run RETURNING pid IS NOT NULL INTO begun;
    IF begun THEN
        UPDATE cron.job_run_details SET status = 'failed', return_message = 'server restarted'
            WHERE runid = run AND status NOT IN ('succeeded', 'failed');
    ELSIF NOT begun THEN
        UPDATE pgowl.cron_slots SET runid = NULL WHERE runid = run;
        DELETE FROM cron.job_run_details WHERE runid = run AND status IN ('starting', 'connecting');
    END IF;
END $$;

-- Ends the runs whose scheduler is gone. Its sessions went with it, but a server notices that late, and not at all while it
-- computes; so a backend that surely is the run's is ended too, as far as the owner may do that.
CREATE OR REPLACE FUNCTION pgowl.cron_reap(my_epoch bigint, lease double precision, first_time boolean) RETURNS SETOF bigint
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    gone record;
BEGIN
    PERFORM pgowl.cron_fence(my_epoch, lease);
    FOR gone IN DELETE FROM pgowl.cron_runs WHERE expires_at < clock_timestamp() RETURNING * LOOP
        UPDATE cron.job_run_details SET status = 'failed', return_message = 'server restarted'
            WHERE runid = gone.runid AND status NOT IN ('succeeded', 'failed');
        BEGIN
            PERFORM pg_terminate_backend(a.pid) FROM pg_stat_activity a
                JOIN cron.job_run_details d ON d.runid = gone.runid AND d.username = a.usename AND d.database = a.datname
                WHERE a.pid = gone.pid AND a.application_name = 'pg_cron' AND a.backend_start <= d.start_time;
        EXCEPTION WHEN insufficient_privilege THEN
            NULL;
        END;
        RETURN NEXT gone.jobid;
    END LOOP;
    IF first_time THEN
        -- Rows that no scheduler ever answered for, as in a restored dump; of the newest only, the history may be huge.
        UPDATE cron.job_run_details d SET status = 'failed', return_message = 'server restarted'
            WHERE d.runid > (SELECT max(runid) - 1000 FROM cron.job_run_details)
              AND d.status IN ('starting', 'connecting', 'sending', 'running')
              AND NOT EXISTS (SELECT FROM pgowl.cron_runs r WHERE r.runid = d.runid);
    END IF;
END $$;

DO $$
DECLARE
    f regprocedure;
BEGIN
    FOR f IN SELECT oid FROM pg_catalog.pg_proc WHERE pronamespace = 'pgowl'::regnamespace
        AND proname IN ('cron_lead', 'cron_fence', 'cron_queue', 'cron_start', 'cron_keep', 'cron_unclaim', 'cron_reap') LOOP
        EXECUTE pg_catalog.format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', f);
    END LOOP;
END $$;
