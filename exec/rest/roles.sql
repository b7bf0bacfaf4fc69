-- The settings of the roles that this connection can become, as far as it may make them.
SELECT x.role, x.name, x.value
FROM (
  SELECT r.rolname::text AS role, s.setdatabase,
         lower(split_part(c.line, '=', 1)) AS name,
         substr(c.line, strpos(c.line, '=') + 1) AS value
  FROM pg_db_role_setting s
  JOIN pg_roles r ON r.oid = s.setrole
  CROSS JOIN LATERAL unnest(s.setconfig) c(line)
  WHERE s.setdatabase IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))
    AND pg_has_role(current_user, r.oid, 'member')
) x
JOIN pg_settings ps ON lower(ps.name) = x.name AND ps.context = 'user'
ORDER BY x.role, x.setdatabase, x.name
