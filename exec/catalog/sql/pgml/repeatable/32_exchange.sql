-- Models as files of other libraries. Not PostgresML's. Computed by the proxy, over the call lane. What import_model writes is the registry's, so nothing of it runs
-- as its caller; who may call it is what GRANT says, as of pgml.train.

CREATE OR REPLACE FUNCTION pgml.export_model(model_id bigint, format text DEFAULT 'xgboost-json') RETURNS bytea
LANGUAGE plpgsql STABLE STRICT PARALLEL UNSAFE SECURITY DEFINER COST 10000
SET search_path = pg_catalog, pg_temp
AS $$ BEGIN
    RETURN decode(pgowl.call('export_model', ARRAY[int8send(pgowl.deployed(model_id)), convert_to(format, 'UTF8')]), 'base64');
END $$;

CREATE OR REPLACE FUNCTION pgml.import_model(project_name text, task text, format text, model bytea, deploy boolean DEFAULT true) RETURNS bigint
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER COST 10000
SET search_path = pg_catalog, pg_temp
AS $$ BEGIN
    RETURN pgowl.call('import_model', ARRAY[convert_to(project_name, 'UTF8'), convert_to(task, 'UTF8'), convert_to(format, 'UTF8'), model,
        CASE WHEN deploy IS FALSE THEN '\x00'::bytea ELSE '\x01' END])::bigint;
END $$;
