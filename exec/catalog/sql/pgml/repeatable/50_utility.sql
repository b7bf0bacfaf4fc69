-- The utility functions that need no engine. (set_updated_at and auto_updated_at came with the tables.)
CREATE OR REPLACE FUNCTION pgml.version() RETURNS text
LANGUAGE sql VOLATILE STRICT
AS $$ SELECT pgowl.version() $$;

-- There is no shared library that could be missing.
CREATE OR REPLACE FUNCTION pgml.validate_shared_library() RETURNS void
LANGUAGE plpgsql VOLATILE STRICT
AS $$ BEGIN END $$;
