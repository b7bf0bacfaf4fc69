-- Model numbers outlive schema pgml: a number that a proxy has in its memory must never come to mean another model, not even after
-- DROP EXTENSION and CREATE EXTENSION.
CREATE SEQUENCE pgowl.models_id_seq;
