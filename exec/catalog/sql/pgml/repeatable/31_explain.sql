-- What is behind a prediction. Not PostgresML's. Computed by the proxy, over the call lane, with the rights that predictions have: what a role may call is
-- what GRANT says.

CREATE OR REPLACE FUNCTION pgml.explain(project_name text, features real[]) RETURNS TABLE(feature text, value real, contribution double precision)
LANGUAGE plpgsql STABLE STRICT PARALLEL UNSAFE SECURITY DEFINER COST 1000
SET search_path = pg_catalog, pg_temp
AS $$ BEGIN
    RETURN QUERY SELECT e.feature, e.value, e.contribution FROM pgowl.explain(pgowl.find_model(project_name), features, NULL) e;
END $$;

CREATE OR REPLACE FUNCTION pgml.explain(project_name text, features real[], class real) RETURNS TABLE(feature text, value real, contribution double precision)
LANGUAGE plpgsql STABLE STRICT PARALLEL UNSAFE SECURITY DEFINER COST 1000
SET search_path = pg_catalog, pg_temp
AS $$ BEGIN
    RETURN QUERY SELECT e.feature, e.value, e.contribution FROM pgowl.explain(pgowl.find_model(project_name), features, class) e;
END $$;

CREATE OR REPLACE FUNCTION pgml.explain(model_id bigint, features real[]) RETURNS TABLE(feature text, value real, contribution double precision)
LANGUAGE plpgsql STABLE STRICT PARALLEL UNSAFE SECURITY DEFINER COST 1000
SET search_path = pg_catalog, pg_temp
AS $$ BEGIN
    RETURN QUERY SELECT e.feature, e.value, e.contribution FROM pgowl.explain(pgowl.deployed(model_id), features, NULL) e;
END $$;

CREATE OR REPLACE FUNCTION pgml.explain(model_id bigint, features real[], class real) RETURNS TABLE(feature text, value real, contribution double precision)
LANGUAGE plpgsql STABLE STRICT PARALLEL UNSAFE SECURITY DEFINER COST 1000
SET search_path = pg_catalog, pg_temp
AS $$ BEGIN
    RETURN QUERY SELECT e.feature, e.value, e.contribution FROM pgowl.explain(pgowl.deployed(model_id), features, class) e;
END $$;

CREATE OR REPLACE FUNCTION pgml.importance(project_name text) RETURNS TABLE(feature text, gain double precision, cover double precision, weight double precision)
LANGUAGE plpgsql STABLE STRICT PARALLEL UNSAFE SECURITY DEFINER COST 1000
SET search_path = pg_catalog, pg_temp
AS $$ BEGIN
    RETURN QUERY SELECT i.feature, i.gain, i.cover, i.weight FROM pgowl.importance(pgowl.find_model(project_name)) i;
END $$;

CREATE OR REPLACE FUNCTION pgml.importance(model_id bigint) RETURNS TABLE(feature text, gain double precision, cover double precision, weight double precision)
LANGUAGE plpgsql STABLE STRICT PARALLEL UNSAFE SECURITY DEFINER COST 1000
SET search_path = pg_catalog, pg_temp
AS $$ BEGIN
    RETURN QUERY SELECT i.feature, i.gain, i.cover, i.weight FROM pgowl.importance(pgowl.deployed(model_id)) i;
END $$;
