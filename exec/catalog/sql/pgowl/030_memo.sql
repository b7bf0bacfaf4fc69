-- Predictions by the key of their arguments, in the keys' order (see the parser's memo.go).
CREATE TYPE pgowl.memo AS (keys uuid[], predictions real[]);
