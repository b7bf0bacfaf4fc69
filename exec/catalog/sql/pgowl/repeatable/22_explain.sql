-- What pgml.explain and pgml.importance are. The engine answers with columns (tableOf in exec/explain.go).
CREATE OR REPLACE FUNCTION pgowl.explain(model bigint, features real[], class real) RETURNS TABLE(feature text, value real, contribution double precision)
LANGUAGE plpgsql STABLE
AS $$
DECLARE
    answer json := pgowl.call('explain', ARRAY[int8send(model), array_send(features), float4send(class)]);
BEGIN
    RETURN QUERY SELECT c.feature, c.value, c.contribution FROM unnest(ARRAY(SELECT json_array_elements_text(answer->'feature')),
        (answer->>'value')::real[], (answer->>'contribution')::double precision[]) c (feature, value, contribution);
END $$;

CREATE OR REPLACE FUNCTION pgowl.importance(model bigint) RETURNS TABLE(feature text, gain double precision, cover double precision, weight double precision)
LANGUAGE plpgsql STABLE
AS $$
DECLARE
    answer json := pgowl.call('importance', ARRAY[int8send(model)]);
BEGIN
    RETURN QUERY SELECT c.feature, c.gain, c.cover, c.weight FROM unnest(ARRAY(SELECT json_array_elements_text(answer->'feature')),
        (answer->>'gain')::double precision[], (answer->>'cover')::double precision[], (answer->>'weight')::double precision[]) c (feature, gain, cover, weight);
END $$;

REVOKE EXECUTE ON FUNCTION pgowl.explain(bigint, real[], real), pgowl.importance(bigint) FROM PUBLIC;
