-- The model that answers for a project now: that of its newest deployment, NULL where there is none. Every prediction by project name asks
-- it, also for roles that may not read the registry; PL/pgSQL, because that keeps its plan.
CREATE OR REPLACE FUNCTION pgowl.live_model(project text) RETURNS bigint
LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN (
        SELECT d.model_id FROM pgml.deployments d
        WHERE d.project_id = (SELECT p.id FROM pgml.projects p WHERE p.name = project) -- half the time of a join
        ORDER BY d.created_at DESC, d.id DESC LIMIT 1);
END
$$;
REVOKE EXECUTE ON FUNCTION pgowl.live_model(text) FROM PUBLIC;

-- The same for the predictions, or PostgresML's error. They are SECURITY DEFINER with a search_path already, which a call costs a microsecond.
CREATE OR REPLACE FUNCTION pgowl.find_model(project text) RETURNS bigint
LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE
AS $$
DECLARE
    model bigint;
BEGIN
    SELECT d.model_id INTO model FROM pgml.deployments d
        WHERE d.project_id = (SELECT p.id FROM pgml.projects p WHERE p.name = project)
        ORDER BY d.created_at DESC, d.id DESC LIMIT 1;
    IF model IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'XX000', MESSAGE = format('No deployed model exists for the project named: `%s`', project);
    END IF;
    RETURN model;
END
$$;
REVOKE EXECUTE ON FUNCTION pgowl.find_model(text) FROM PUBLIC;
