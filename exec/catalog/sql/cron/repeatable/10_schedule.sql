-- Which schedules are accepted. exec/cron/parse.go reads the same grammar, and a test holds the two against each other.

CREATE OR REPLACE FUNCTION pgowl.cron_number(text text, names text[]) RETURNS integer
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    digits text := ltrim(text, '0');
BEGIN
    IF text ~ '^[0-9]+$' THEN
        IF length(digits) > 4 THEN RETURN NULL; END IF;
        RETURN ('0' || digits)::integer;
    END IF;
    RETURN array_position(names, lower(text COLLATE "C")) - 1;
END $$;

-- names[1] stands for 0; months leave it empty.
CREATE OR REPLACE FUNCTION pgowl.cron_field_ok(field text, low integer, high integer, names text[]) RETURNS boolean
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    part text;
    m text[];
    a integer;
    b integer;
    step integer;
BEGIN
    FOREACH part IN ARRAY string_to_array(field, ',') LOOP
        m := regexp_match(part, '^(\*|([0-9A-Za-z]+)(?:-([0-9A-Za-z]+))?)(?:/([0-9]+))?$');
        IF m IS NULL THEN RETURN false; END IF;
        IF m[2] IS NOT NULL THEN
            a := pgowl.cron_number(m[2], names);
            IF a IS NULL OR a NOT BETWEEN low AND high THEN RETURN false; END IF;
            IF m[3] IS NOT NULL THEN
                b := pgowl.cron_number(m[3], names);
                IF b IS NULL OR b NOT BETWEEN low AND high THEN RETURN false; END IF;
            ELSIF m[4] IS NOT NULL THEN
                RETURN false;
            END IF;
        END IF;
        IF m[4] IS NOT NULL THEN
            step := pgowl.cron_number(m[4], NULL);
            IF step IS NULL OR step NOT BETWEEN 1 AND high THEN RETURN false; END IF;
        END IF;
    END LOOP;
    RETURN true;
END $$;

CREATE OR REPLACE FUNCTION pgowl.cron_schedule_ok(schedule text) RETURNS boolean
LANGUAGE plpgsql IMMUTABLE STRICT SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    -- Empty lines and comment lines before the entry are skipped, as in a crontab.
    entry text := regexp_replace(schedule, '^([ \t]*(#[^\n]*)?\n)*[ \t]*', '');
    f text[];
    n integer;
BEGIN
    IF octet_length(schedule) >= 1000 THEN RETURN false; END IF;
    IF entry ~ '^@' THEN
        RETURN substring(entry from '^@([^ \t\n\r]*)') = ANY ('{reboot,restart,yearly,annually,monthly,weekly,daily,midnight,hourly}');
    END IF;
    -- What follows the fifth field is ignored, as pg_cron does.
    f := regexp_match(entry,
        '^([^ \t\n\r]+)[ \t]+([^ \t\n\r]+)[ \t]+([^ \t\n\r]+)[ \t]+([^ \t\n\r]+)[ \t]+([^ \t\n\r]+)([ \t\n\r]|$)');
    IF f IS NOT NULL
        AND pgowl.cron_field_ok(f[1], 0, 59, NULL)
        AND pgowl.cron_field_ok(f[2], 0, 23, NULL)
        AND (f[3] = '$' OR pgowl.cron_field_ok(f[3], 1, 31, NULL))
        AND pgowl.cron_field_ok(f[4], 1, 12, '{"",jan,feb,mar,apr,may,jun,jul,aug,sep,oct,nov,dec}')
        AND pgowl.cron_field_ok(f[5], 0, 7, '{sun,mon,tue,wed,thu,fri,sat}')
    THEN
        RETURN true;
    END IF;
    n := pgowl.cron_number(substring(lower(schedule COLLATE "C")
        from '^[ \t\n\r\f\v]*[+]?([0-9]+)[ \t\n\r\f\v]*seconds?[ \t\n\r\f\v]*$'), NULL);
    RETURN coalesce(n BETWEEN 1 AND 59, false);
END $$;

CREATE OR REPLACE FUNCTION pgowl.cron_check_schedule(schedule text) RETURNS void
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF NOT pgowl.cron_schedule_ok(schedule) THEN
        RAISE EXCEPTION 'invalid schedule: %', schedule USING ERRCODE = '22023',
            HINT = 'Use cron format (e.g. 5 4 * * *), or interval format ''[1-59] seconds''';
    END IF;
END $$;
