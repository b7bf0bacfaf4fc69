package vectorize

import "testing"

// What the hint and docs/users.md say to do about a partitioned table works, also for rows that move between partitions.
func TestBesideAPartitionedTable(t *testing.T) {
	w := open(t)
	w.run(w.me, `CREATE TABLE parts (id int PRIMARY KEY, body text) PARTITION BY RANGE (id);
		CREATE TABLE low PARTITION OF parts FOR VALUES FROM (MINVALUE) TO (100); CREATE TABLE high PARTITION OF parts DEFAULT;
		CREATE TABLE texts (id int PRIMARY KEY, body text);
		CREATE FUNCTION follow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
			IF TG_OP <> 'INSERT' THEN DELETE FROM texts WHERE id = OLD.id; END IF;
			IF TG_OP <> 'DELETE' THEN INSERT INTO texts VALUES (NEW.id, NEW.body); END IF;
			RETURN NULL; END $$;
		CREATE TRIGGER follow AFTER INSERT OR UPDATE OR DELETE ON parts FOR EACH ROW EXECUTE FUNCTION follow()`)
	w.refused(w.me, "0A000", "SELECT pgml.vectorize('parts', 'body')")
	id := w.ask(w.me, "SELECT pgml.vectorize('texts', 'body')")
	w.run(w.me, `INSERT INTO parts SELECT i, 'text ' || i FROM generate_series(90, 109) i; UPDATE parts SET id = id + 100 WHERE id < 95; UPDATE low SET body = 'another' WHERE id = 96; DELETE FROM parts WHERE id IN (97, 105)`)
	w.settled()
	w.same(id, w.alice+".parts", "id", "body")
}
