-- The functions of some schemas that a request could call, with what pg_proc says of their parameters.
WITH RECURSIVE domains(oid, base) AS (
  SELECT oid, typbasetype FROM pg_type WHERE typtype = 'd'
  UNION ALL
  SELECT d.oid, t.typbasetype FROM domains d JOIN pg_type t ON t.oid = d.base WHERE t.typtype = 'd'
)
SELECT
  n.nspname::text,
  p.proname::text,
  p.provolatile = 'v',
  p.proretset,
  coalesce(p.proargnames, '{}'),
  coalesce(p.proargmodes::text[], '{}'),
  -- The type modifier -1 makes char "bpchar": "character" would mean character(1) where the type is named again.
  ARRAY(SELECT format_type(a.oid, -1)
        FROM unnest(coalesce(p.proallargtypes, p.proargtypes::oid[])) WITH ORDINALITY a(oid, n)
        ORDER BY a.n),
  p.pronargdefaults::int,
  format_type(p.prorettype, NULL),
  coalesce((SELECT b.typtype FROM domains d JOIN pg_type b ON b.oid = d.base WHERE d.oid = t.oid AND b.typtype <> 'd'), t.typtype)::text,
  coalesce(p.proconfig, '{}')
FROM pg_proc p
JOIN pg_namespace n ON n.oid = p.pronamespace
JOIN pg_type t ON t.oid = p.prorettype
WHERE p.prokind = 'f'
  AND n.nspname = ANY($1::text[])
  AND p.prorettype NOT IN ('trigger'::regtype, 'event_trigger'::regtype)
ORDER BY n.nspname, p.proname, p.pronargs, p.oid
