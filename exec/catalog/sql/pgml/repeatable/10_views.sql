-- PostgresML's three views of the registry. The newest deployment of a project decides its model; of equal times the later row.
CREATE OR REPLACE VIEW pgml.overview AS
    SELECT p.name, d.created_at AS deployed_at, p.task, m.algorithm, m.runtime, s.relation_name, s.y_column_name, s.test_sampling, s.test_size
    FROM pgml.projects p
    JOIN pgml.models m ON m.project_id = p.id
    JOIN pgml.deployments d ON d.project_id = p.id AND d.model_id = m.id
    LEFT JOIN pgml.snapshots s ON s.id = m.snapshot_id
    ORDER BY d.created_at DESC, d.id DESC;

CREATE OR REPLACE VIEW pgml.trained_models AS
    SELECT m.id, p.name, p.task, m.algorithm, m.runtime, m.created_at, s.test_sampling, s.test_size,
        m.id IS NOT DISTINCT FROM live.model_id AS deployed
    FROM pgml.models m
    JOIN pgml.projects p ON p.id = m.project_id
    LEFT JOIN pgml.snapshots s ON s.id = m.snapshot_id
    LEFT JOIN (
        SELECT DISTINCT ON (d.project_id) d.project_id, d.model_id
        FROM pgml.deployments d ORDER BY d.project_id, d.created_at DESC, d.id DESC
    ) live ON live.project_id = p.id
    ORDER BY m.created_at DESC, m.id DESC;

CREATE OR REPLACE VIEW pgml.deployed_models AS
    SELECT m.id, p.name, p.task, m.algorithm, m.runtime, live.created_at AS deployed_at
    FROM (
        SELECT DISTINCT ON (d.project_id) d.project_id, d.model_id, d.created_at
        FROM pgml.deployments d ORDER BY d.project_id, d.created_at DESC, d.id DESC
    ) live
    JOIN pgml.models m ON m.id = live.model_id
    JOIN pgml.projects p ON p.id = live.project_id
    ORDER BY p.name;
