-- A vector among others: an array of arrays has no NULL in the place of one, and an array of these has.
CREATE DOMAIN pgowl.vector AS real[];

-- Answers are read once: compressing them takes longer than all else that is done for them. Vectors stand beside the answer in binary form.
ALTER TABLE pgowl.replies ADD COLUMN vectors pgowl.vector[];
ALTER TABLE pgowl.replies ALTER COLUMN body SET STORAGE EXTERNAL, ALTER COLUMN vectors SET STORAGE EXTERNAL;

-- Made again in repeatable/25_batch.sql: they gave texts.
DROP AGGREGATE IF EXISTS pgowl.embed_all(bytea);
DROP FUNCTION IF EXISTS pgowl.embeddings(bytea[]);
