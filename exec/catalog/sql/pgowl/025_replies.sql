-- Which backend put a reply there, and so takes it away again: what is left of one that has gone is nobody's.
ALTER TABLE pgowl.replies ADD COLUMN pid integer NOT NULL DEFAULT pg_backend_pid();
