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
