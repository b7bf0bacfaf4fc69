ALTER TABLE pgml.models ALTER COLUMN id SET DEFAULT nextval('pgowl.models_id_seq');
DROP SEQUENCE pgml.models_id_seq;
