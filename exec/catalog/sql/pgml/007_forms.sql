-- Deployed models are functions of the database, too (pgowl/repeatable/16_forms.sql).
CREATE TRIGGER forms AFTER INSERT OR UPDATE OR DELETE ON pgml.deployments FOR EACH ROW EXECUTE FUNCTION pgowl.deployments_changed();
CREATE TRIGGER forms AFTER DELETE ON pgml.models FOR EACH ROW EXECUTE FUNCTION pgowl.model_deleted();
SELECT pgowl.settle_forms(p.id) FROM pgml.projects p;
