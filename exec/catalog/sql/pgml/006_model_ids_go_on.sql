-- Numbers go on behind the models that are there: 005 came to registries that had some.
SELECT pg_catalog.setval('pgowl.models_id_seq', pg_catalog.max(id)) FROM pgml.models
HAVING pg_catalog.max(id) > (SELECT last_value FROM pgowl.models_id_seq)
    OR pg_catalog.max(id) = (SELECT last_value FROM pgowl.models_id_seq WHERE NOT is_called);
