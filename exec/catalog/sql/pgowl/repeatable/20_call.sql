-- The call lane: how a function in the database asks the proxy for an answer, over the session that it runs in.
--
-- The request is a message of severity INFO with SQLSTATE OWL01, which the proxy takes out of the session's stream. The answer is
-- the query text of one of the proxy's own backends (pg_stat_get_activity), which no snapshot hides and which only this
-- schema's owner can read; what does not fit in one such text stands in the texts of several, or comes in pieces, or through
-- pgowl.replies where the snapshot allows.
-- Everything that crosses is ASCII, so that no client_encoding changes it.
--
-- Who may call what: pgowl.call and its kin belong to the owner alone, and are reached through SECURITY DEFINER functions of schema
-- pgml, where GRANT decides. A function that must read with its caller's rights is SECURITY INVOKER and goes through
-- pgowl.drive; whoever calls that by hand gets no further than GRANT on the function it names allows him.

-- One request to the proxy. Gives the raw answer: one letter for its kind, then the answer itself.
--
-- A look at one backend's text by its number costs 3 us, one by pg_stat_get_activity 20. The number is the last answer's; where it is
-- another backend's turn (or, before Postgres 16, the numbers have moved), a look through all of them finds the new one.
CREATE OR REPLACE FUNCTION pgowl.ask(id text, what text) RETURNS text
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    token text := current_setting('pgowl.session', true);
    app text := 'pgowl:' || split_part(token, '.', 1);
    me oid := quote_ident(current_user)::regrole;
    box int := nullif(current_setting('pgowl.mailbox', true), '')::int;
    key text := (SELECT s.key FROM pgowl.secret s);
    seq int := 0;
    ticket text := left(md5(random()::text || clock_timestamp()::text), 8); -- tells this answer from the call's last one
    mark text;
    got text;
    answer text := '';
    request text;
    looks int;
    busy boolean;
    pieces int;
    asked timestamptz;
    seen timestamptz := clock_timestamp();
BEGIN
    IF coalesce(token, '') = '' OR split_part(token, '.', 3)
        <> left(encode(sha256(convert_to(key || ':' || split_part(token, '.', 1) || '.' || split_part(token, '.', 2), 'SQL_ASCII')), 'hex'), 32) THEN
        RAISE EXCEPTION USING ERRCODE = '55000',
            MESSAGE = 'this function is computed by PgOwl, and this session does not come through it',
            HINT = 'Connect through PgOwl''s address instead of the server''s.';
    END IF;
    request := concat_ws(' ', id, pg_backend_pid()::text,
        CASE WHEN current_setting('transaction_isolation') = 'read committed' AND NOT pg_is_in_recovery() THEN 'c' ELSE 's' END,
        ticket, what);
    <<talk>> LOOP
        IF request <> '' THEN
            RAISE INFO USING ERRCODE = 'OWL01', MESSAGE = request,
                DETAIL = encode(sha256(convert_to(key || request, 'SQL_ASCII')), 'hex');
            asked := clock_timestamp();
        END IF;
        mark := '--' || id || ticket || ':' || seq || ':';
        looks := 0;
        LOOP
            PERFORM pg_stat_clear_snapshot();
            looks := looks + 1;
            busy := clock_timestamp() < asked + interval '1 ms';
            IF busy AND box IS NOT NULL AND looks % 8 <> 0 THEN
                got := pg_stat_get_backend_activity(box);
                EXIT WHEN starts_with(got, mark) AND pg_stat_get_backend_userid(box) = me;
            ELSE
                SELECT b.n, b.query INTO box, got
                    FROM (SELECT n, pg_stat_get_backend_activity(n) AS query FROM pg_stat_get_backend_idset() n) b
                    WHERE starts_with(b.query, mark) AND pg_stat_get_backend_userid(b.n) = me;
                IF got IS NOT NULL THEN
                    -- Predictions may be called while a plan runs in parallel, when no setting can be changed: they look for themselves.
                    IF what !~ '^call predict(_row|_proba)? ' THEN
                        PERFORM set_config('pgowl.mailbox', box::text, false);
                    END IF;
                    EXIT;
                END IF;
                box := nullif(current_setting('pgowl.mailbox', true), '')::int;
                IF clock_timestamp() > seen + interval '200 ms' THEN
                    -- No answer, and nobody there who could give one: the proxy has gone. It gets two seconds to come back.
                    IF EXISTS (SELECT FROM pg_stat_get_activity(NULL) a WHERE a.usesysid = me AND a.application_name = app) THEN
                        seen := clock_timestamp();
                    ELSIF clock_timestamp() > seen + interval '2 seconds' THEN
                        RAISE EXCEPTION USING ERRCODE = '08006', MESSAGE = 'PgOwl has gone away while it computed this function';
                    END IF;
                END IF;
            END IF;
            -- An answer may be lost with the backend that showed it: the proxy shows it again, if it has one already.
            IF clock_timestamp() > asked + interval '1 second' THEN
                answer := '';
                seq := 0;
                request := concat_ws(' ', id, pg_backend_pid()::text, 's', ticket, 'again');
                CONTINUE talk;
            END IF;
            -- Most answers take microseconds, so look busily at first; whoever takes longer is not worth a core. pg_sleep
            -- counts in whole milliseconds.
            IF NOT busy THEN
                PERFORM pg_sleep(CASE WHEN clock_timestamp() < asked + interval '50 ms' THEN 0.001
                    WHEN clock_timestamp() < asked + interval '500 ms' THEN 0.002 ELSE 0.01 END);
            END IF;
        END LOOP;
        got := substr(got, length(mark) + 1);
        CASE left(got, 1)
            WHEN '.' THEN
                answer := answer || substr(got, 2);
                EXIT talk;
            WHEN '@' THEN
                SELECT r.body INTO answer FROM pgowl.replies r WHERE r.id = ask.id;
                EXIT talk WHEN FOUND;
                -- Taken away in between, with the backend that showed it or because it was not read for a second.
                request := '';
            WHEN '&' THEN
                -- The first of several pieces that stand in as many backends already: their number, then this one's text. A piece may stand in two
                -- of them while the proxy shows the answer again.
                pieces := substr(got, 2, 1)::int;
                SELECT substr(got, 3) || string_agg(substr(p.query, length(mark) + 1), '' ORDER BY p.query COLLATE "C") INTO answer
                    FROM (SELECT DISTINCT b.query FROM (SELECT n, pg_stat_get_backend_activity(n) AS query FROM pg_stat_get_backend_idset() n) b
                        WHERE starts_with(b.query, '--' || id || ticket || '/') AND pg_stat_get_backend_userid(b.n) = me) p
                    HAVING count(*) = pieces - 1;
                EXIT talk WHEN FOUND;
                -- This look went over a backend before its piece stood there, or one of them is lost.
                request := '';
            ELSE
                answer := answer || substr(got, 2);
                seq := seq + 1;
                request := concat_ws(' ', id, pg_backend_pid()::text, 's', ticket, 'more', seq::text);
        END CASE;
        IF request = '' THEN
            -- Another look; after some of them the proxy is asked to show it again.
            answer := '';
            IF NOT busy THEN
                PERFORM pg_sleep(0.001);
                IF clock_timestamp() > asked + interval '50 ms' THEN
                    request := concat_ws(' ', id, pg_backend_pid()::text, 's', ticket, 'again');
                END IF;
            END IF;
        END IF;
    END LOOP;
    -- Read: the backends that showed it are free for others, whatever this statement does next and however long. But for an array, which stands
    -- beside the answer: who asked for one reads that, too, and says so (pgowl.call_vectors).
    IF answer = 'W' THEN
        RETURN answer;
    END IF;
    request := concat_ws(' ', id, pg_backend_pid()::text, 's', ticket, 'done');
    RAISE INFO USING ERRCODE = 'OWL01', MESSAGE = request,
        DETAIL = encode(sha256(convert_to(key || request, 'SQL_ASCII')), 'hex');
    RETURN answer;
END $$;
REVOKE EXECUTE ON FUNCTION pgowl.ask(text, text) FROM PUBLIC;

-- Raises the error that an answer carries: {"c": SQLSTATE, "m": message, "d": detail, "h": hint}.
CREATE OR REPLACE FUNCTION pgowl.raise(e json) RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    -- USING takes no NULL, and an empty DETAIL or HINT is still sent as a field.
    IF e->>'d' IS NOT NULL AND e->>'h' IS NOT NULL THEN
        RAISE EXCEPTION USING ERRCODE = e->>'c', MESSAGE = e->>'m', DETAIL = e->>'d', HINT = e->>'h';
    ELSIF e->>'h' IS NOT NULL THEN
        RAISE EXCEPTION USING ERRCODE = e->>'c', MESSAGE = e->>'m', HINT = e->>'h';
    ELSIF e->>'d' IS NOT NULL THEN
        RAISE EXCEPTION USING ERRCODE = e->>'c', MESSAGE = e->>'m', DETAIL = e->>'d';
    END IF;
    RAISE EXCEPTION USING ERRCODE = e->>'c', MESSAGE = e->>'m';
END $$;

-- Answers what the proxy wants to know from the owner's side until it gives a value, an error, or wants something done as the
-- caller: then that request comes back as it is.
CREATE OR REPLACE FUNCTION pgowl.follow(id text, answer text) RETURNS text
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    kind "char";
    order_ json;
    result text;
BEGIN
    LOOP
        kind := left(answer, 1);
        IF kind = 'E' THEN
            PERFORM pgowl.raise(substr(answer, 2)::json);
        ELSIF kind = 'Q' THEN
            order_ := substr(answer, 2)::json;
            EXECUTE format('WITH q AS (%s) SELECT coalesce(pg_catalog.json_agg(q), ''[]'')::text FROM q', order_->>'sql')
                INTO result USING (order_->>'args')::jsonb;
            answer := pgowl.ask(id, 'rows ' || replace(encode(convert_to(result, 'UTF8'), 'base64'), E'\n', ''));
        ELSIF kind = 'X' THEN
            EXECUTE substr(answer, 2)::json->>'sql';
            answer := pgowl.ask(id, 'rows');
        ELSE
            RETURN answer;
        END IF;
    END LOOP;
END $$;
REVOKE EXECUTE ON FUNCTION pgowl.follow(text, text) FROM PUBLIC;

-- Asks, and follows.
CREATE OR REPLACE FUNCTION pgowl.converse(id text, what text) RETURNS text
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$ BEGIN RETURN pgowl.follow(id, pgowl.ask(id, what)); END $$;
REVOKE EXECUTE ON FUNCTION pgowl.converse(text, text) FROM PUBLIC;

-- Calls an engine function and gives its value in text form. args are the arguments in binary form (textsend, array_send ...).
CREATE OR REPLACE FUNCTION pgowl.call(fn text, args bytea[]) RETURNS text
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    id text := translate(gen_random_uuid()::text, '-', '');
    what text := 'call ' || fn;
    arg bytea;
    answer text;
BEGIN
    FOREACH arg IN ARRAY args LOOP
        what := what || ' ' || coalesce(nullif(replace(encode(arg, 'base64'), E'\n', ''), ''), CASE WHEN arg IS NULL THEN '-' ELSE '=' END);
    END LOOP;
    answer := pgowl.ask(id, what);
    IF left(answer, 1) = 'E' THEN
        PERFORM pgowl.raise(substr(answer, 2)::json);
    ELSIF left(answer, 1) NOT IN ('V', 'J', 'N') THEN
        answer := pgowl.follow(id, answer);
    END IF;
    IF left(answer, 1) = 'V' THEN
        RETURN right(answer, -1); -- substr would count the letters
    ELSIF left(answer, 1) = 'J' THEN
        RETURN right(answer, -1)::json #>> '{}';
    END IF;
    RETURN NULL;
END $$;
REVOKE EXECUTE ON FUNCTION pgowl.call(text, bytea[]) FROM PUBLIC;

-- Calls an engine function whose value is an array of vectors. In binary form, where a row can be read: the server then has nothing to parse. The functions that it may
-- call take the number of the array's element type last.
CREATE OR REPLACE FUNCTION pgowl.call_vectors(fn text, args bytea[]) RETURNS pgowl.vector[]
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    call_id text;
    what text := 'call ' || fn;
    arg bytea;
    answer text;
    request text;
    vectors pgowl.vector[];
    tries int := 0;
BEGIN
    FOREACH arg IN ARRAY args || oidsend('pgowl.vector'::regtype) LOOP
        what := what || ' ' || replace(encode(arg, 'base64'), E'\n', '');
    END LOOP;
    LOOP
        call_id := translate(gen_random_uuid()::text, '-', '');
        answer := pgowl.ask(call_id, what);
        IF left(answer, 1) = 'E' THEN
            PERFORM pgowl.raise(right(answer, -1)::json);
        ELSIF answer <> 'W' THEN
            RETURN right(answer, -1)::pgowl.vector[];
        END IF;
        SELECT r.vectors INTO vectors FROM pgowl.replies r WHERE r.id = call_id;
        EXIT WHEN FOUND;
        -- Taken away in between, with the backend that showed it.
        tries := tries + 1;
        IF tries = 3 THEN
            RAISE EXCEPTION USING ERRCODE = '08006', MESSAGE = 'PgOwl has gone away while it computed this function';
        END IF;
    END LOOP;
    request := concat_ws(' ', call_id, pg_backend_pid()::text, 's', '-', 'done');
    RAISE INFO USING ERRCODE = 'OWL01', MESSAGE = request,
        DETAIL = encode(sha256(convert_to((SELECT s.key FROM pgowl.secret s) || request, 'SQL_ASCII')), 'hex');
    RETURN vectors;
END $$;
REVOKE EXECUTE ON FUNCTION pgowl.call_vectors(text, bytea[]) FROM PUBLIC;

-- The same for predictions, which may run in a parallel plan: what is VOLATILE begins a command with each of its statements, and a statement that
-- has written something (CREATE TABLE AS) may not while it runs in parallel. What is STABLE sees no reply row that was committed since, so it
-- asks as in a transaction whose snapshot stands still.
DO $do$ BEGIN
    EXECUTE replace(replace(replace(pg_get_functiondef('pgowl.ask(text, text)'::regprocedure), 'FUNCTION pgowl.ask(', 'FUNCTION pgowl.ask_still('),
        ' LANGUAGE plpgsql', ' LANGUAGE plpgsql STABLE'), '= ''read committed'' AND', '= ''never'' AND');
    EXECUTE replace(replace(replace(pg_get_functiondef('pgowl.call(text, bytea[])'::regprocedure), 'FUNCTION pgowl.call(', 'FUNCTION pgowl.call_still('),
        ' LANGUAGE plpgsql', ' LANGUAGE plpgsql STABLE'), 'pgowl.ask(', 'pgowl.ask_still(');
END $do$;
REVOKE EXECUTE ON FUNCTION pgowl.ask_still(text, text), pgowl.call_still(text, bytea[]) FROM PUBLIC;

-- Who is asking, beyond doubt: a view reads its tables as its owner, but current_user in it is whoever uses it. The
-- owner's functions believe a name only with the sum that this view gives for it.
CREATE OR REPLACE VIEW pgowl.identity AS
    SELECT current_user::text AS name,
        encode(sha256(convert_to(s.key || ':identity:' || current_user || ':' || pg_backend_pid(), 'UTF8')), 'hex') AS proof
    FROM pgowl.secret s;
GRANT SELECT ON pgowl.identity TO PUBLIC;

-- Whether a proof is that view's for a name. What is NULL proves nothing.
CREATE OR REPLACE FUNCTION pgowl.proved(name text, proof text) RETURNS boolean
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$ BEGIN
    RETURN coalesce(proof = (SELECT encode(sha256(convert_to(s.key || ':identity:' || name || ':' || pg_backend_pid(), 'UTF8')), 'hex') FROM pgowl.secret s), false);
END $$;
REVOKE EXECUTE ON FUNCTION pgowl.proved(text, text) FROM PUBLIC;

-- Starts a call that runs statements as its caller (see pgowl.drive). fn is the public function whose GRANT decides.
CREATE OR REPLACE FUNCTION pgowl.begin_call(id text, fn regprocedure, args jsonb, name text, proof text) RETURNS text
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF NOT pgowl.proved(name, proof) OR fn IS NULL OR id IS NULL
        OR NOT EXISTS (SELECT FROM pg_proc p WHERE p.oid = fn AND p.pronamespace = 'pgml'::regnamespace)
        OR NOT has_function_privilege(name, fn, 'EXECUTE') OR id !~ '^[0-9a-f]{32}$' THEN
        RAISE EXCEPTION USING ERRCODE = '42501', MESSAGE = format('permission denied for function %s', (SELECT p.proname FROM pg_proc p WHERE p.oid = fn));
    END IF;
    RETURN pgowl.converse(id, 'call ' || (SELECT p.proname FROM pg_proc p WHERE p.oid = fn) || ' '
        || replace(encode(convert_to(args::text, 'UTF8'), 'base64'), E'\n', ''));
END $$;

-- Goes on with a call after a statement that ran as the caller. The id is known to the session alone; what cannot be one is nobody's, and
-- is told so.
CREATE OR REPLACE FUNCTION pgowl.resume_call(id text, result text) RETURNS text
LANGUAGE sql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$ SELECT pgowl.converse(CASE WHEN id ~ '^[0-9a-f]{32}$' THEN id ELSE repeat('0', 32) END, 'rows ' || replace(encode(convert_to(result, 'UTF8'), 'base64'), E'\n', '')) $$;

-- Sends a piece of a stream, without waiting for an answer.
CREATE OR REPLACE FUNCTION pgowl.send_piece(id text, piece bytea) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    -- What cannot be an id is nobody's: nothing else may be signed here.
    request text := concat_ws(' ', CASE WHEN id ~ '^[0-9a-f]{32}$' THEN id ELSE repeat('0', 32) END, pg_backend_pid()::text, 's', '-', 'piece', encode(piece, 'base64')); -- its line ends included: they take less time to send than to remove
BEGIN
    RAISE INFO USING ERRCODE = 'OWL01', MESSAGE = request,
        DETAIL = encode(sha256(convert_to((SELECT s.key FROM pgowl.secret s) || request, 'SQL_ASCII')), 'hex');
END $$;

-- Calls a function that needs its caller's rights, and runs for it, as the caller, what it asks to have run. No search_path is
-- set: the caller's relations and functions see the one that they always see. So an operator that somebody may have put there for the same types is named in full.
CREATE OR REPLACE FUNCTION pgowl.drive(fn regprocedure, args jsonb) RETURNS json
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
AS $$
DECLARE
    id text := pg_catalog.translate(pg_catalog.gen_random_uuid()::text, '-', '');
    answer text;
    kind text;
    order_ json;
    result text;
    piece bytea;
    buffer bytea := '';
BEGIN
    SELECT pgowl.begin_call(id, fn, args, i.name, i.proof) INTO answer FROM pgowl.identity i;
    LOOP
        kind := pg_catalog.left(answer, 1);
        IF kind = 'V' THEN
            RETURN pg_catalog.substr(answer, 2)::json;
        ELSIF kind = 'N' THEN
            RETURN NULL;
        END IF;
        order_ := pg_catalog.substr(answer, 2)::json;
        IF kind = 'q' THEN
            EXECUTE pg_catalog.format('WITH q AS (%s) SELECT coalesce(pg_catalog.json_agg(q), ''[]'')::text FROM q', order_ OPERATOR(pg_catalog.->>) 'sql')
                INTO result USING (order_ OPERATOR(pg_catalog.->>) 'args')::jsonb;
        ELSIF kind = 'x' THEN
            EXECUTE order_ OPERATOR(pg_catalog.->>) 'sql';
            result := '';
        ELSIF kind = 's' THEN
            FOR piece IN EXECUTE order_ OPERATOR(pg_catalog.->>) 'sql' LOOP
                buffer := buffer || piece;
                IF pg_catalog.octet_length(buffer) > 32768 THEN
                    PERFORM pgowl.send_piece(id, buffer);
                    buffer := '';
                END IF;
            END LOOP;
            IF pg_catalog.octet_length(buffer) > 0 THEN
                PERFORM pgowl.send_piece(id, buffer);
                buffer := '';
            END IF;
            result := '';
        ELSE
            RAISE EXCEPTION 'unexpected answer of kind %', kind;
        END IF;
        answer := pgowl.resume_call(id, result);
    END LOOP;
END $$;

-- True where the model is the one that the project's predictions use now. The fold lane guards a value that it computed
-- beforehand with it. Where the project has no model any more, it fails as the prediction would. PL/pgSQL keeps the plan; as SQL, which cannot
-- be inlined here, it costs 40 us more.
CREATE OR REPLACE FUNCTION pgowl.is_live(project text, model bigint) RETURNS boolean
LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$ BEGIN RETURN pgowl.find_model(project) = model; END $$;

-- The text as it is, but not before the statement runs: keeps the planner from computing a call whose value is there already.
CREATE OR REPLACE FUNCTION pgowl.later(value text) RETURNS text
LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE
AS $$ BEGIN RETURN value; END $$;

-- Fails the statement with the error that an engine met; the proxy calls it so that the server's transaction fails too.
CREATE OR REPLACE FUNCTION pgowl.fail(code text, message text, detail text, hint text) RETURNS void
LANGUAGE sql VOLATILE
AS $$ SELECT pgowl.raise(pg_catalog.json_build_object('c', code, 'm', message, 'd', nullif(detail, ''), 'h', nullif(hint, ''))) $$;
