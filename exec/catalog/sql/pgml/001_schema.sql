-- Schema pgml as PostgresML's extension makes it: looked up by everybody, its tables the owner's, its functions everybody's.
CREATE SCHEMA pgml;
GRANT USAGE ON SCHEMA pgml TO PUBLIC;
