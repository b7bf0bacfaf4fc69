package rest

import (
	"context"
	_ "embed"
	"fmt"
	"reflect"
	"strings"

	"github.com/jackc/pgx/v5"
)

// cache is what is known of the database: the functions of the exposed schemas, and the settings of roles. It doesn't change
// once it is made.
type cache struct {
	routines map[qualified][]*routine
	names    map[string][]string // of functions, by schema, in order
	roles    map[string]roleSettings
}

type qualified struct{ schema, name string }

// roleSettings are those that ALTER ROLE ... SET made, which Postgres applies at login only.
type roleSettings struct {
	settings  []Setting
	isolation string // of transactions; empty: not said
}

//go:embed routines.sql
var routinesSQL string

//go:embed roles.sql
var rolesSQL string

// loadCache reads the database. The search path must be empty while it does, so that types outside of pg_catalog come with
// their schema: they are named again under another search path.
func loadCache(ctx context.Context, conn *pgx.Conn, schemas []string) (*cache, error) {
	c := &cache{routines: map[qualified][]*routine{}, names: map[string][]string{}, roles: map[string]roleSettings{}}
	err := pgx.BeginTxFunc(ctx, conn, pgx.TxOptions{AccessMode: pgx.ReadOnly, IsoLevel: pgx.RepeatableRead}, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "SELECT pg_catalog.set_config('search_path', '', true)"); err != nil {
			return err
		}
		if err := c.loadRoutines(ctx, tx, schemas); err != nil {
			return fmt.Errorf("functions: %w", err)
		}
		if err := c.loadRoles(ctx, tx); err != nil {
			return fmt.Errorf("settings of roles: %w", err)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("schema cache: %w", err)
	}
	return c, nil
}

func (c *cache) loadRoutines(ctx context.Context, tx pgx.Tx, schemas []string) error {
	rows, err := tx.Query(ctx, routinesSQL, schemas)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var (
			r                           routine
			names, modes, types, config []string
			defaults                    int
			returnType, returnKind      string
		)
		if err := rows.Scan(&r.schema, &r.name, &r.volatile, &r.set, &names, &modes, &types, &defaults, &returnType, &returnKind, &config); err != nil {
			return err
		}
		outputs := r.setParams(names, modes, types, defaults)
		if !r.callable() {
			continue
		}
		switch {
		case outputs || returnKind == "c":
			r.returns = composite
		case returnType == "void":
			r.returns = void
		case returnType == "record":
			r.returns = record
		}
		r.hoist(config)
		key := qualified{r.schema, r.name}
		if len(c.routines[key]) == 0 {
			c.names[r.schema] = append(c.names[r.schema], r.name)
		}
		c.routines[key] = append(c.routines[key], &r)
	}
	return rows.Err()
}

// setParams takes pg_proc's arrays: names and modes may be empty, and the last inputs have the defaults. It tells whether
// there are outputs.
func (r *routine) setParams(names, modes, types []string, defaults int) (outputs bool) {
	for i, typ := range types {
		mode := "i"
		if i < len(modes) {
			mode = modes[i]
		}
		outputs = outputs || mode == "o" || mode == "b" || mode == "t"
		if mode == "o" || mode == "t" {
			continue
		}
		p := param{typ: typ, required: true, variadic: mode == "v"}
		if i < len(names) {
			p.name = names[i]
		}
		r.params = append(r.params, p)
	}
	for i := max(len(r.params)-defaults, 0); i < len(r.params); i++ {
		r.params[i].required = false
	}
	return outputs
}

// callable: by name, or by a body that is the only parameter.
func (r *routine) callable() bool {
	if r.unnamed() {
		switch r.params[0].typ {
		case "json", "jsonb", "text", "xml", "bytea":
			return true
		}
		return false
	}
	for _, p := range r.params {
		if p.name == "" {
			return false
		}
	}
	return true
}

// hoist takes those of a function's settings that come too late when Postgres makes them at the call.
func (r *routine) hoist(config []string) {
	for _, line := range config {
		name, value, _ := strings.Cut(line, "=")
		switch name {
		case "default_transaction_isolation":
			r.isolation = isolationLevel(value)
		case "statement_timeout", "plan_filter.statement_cost_limit":
			r.settings = append(r.settings, Setting{name, value})
		}
	}
}

func (c *cache) loadRoles(ctx context.Context, tx pgx.Tx) error {
	rows, err := tx.Query(ctx, rolesSQL)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var role, name, value string
		if err := rows.Scan(&role, &name, &value); err != nil {
			return err
		}
		rs := c.roles[role]
		if name == "default_transaction_isolation" {
			rs.isolation = isolationLevel(value)
		} else {
			rs.settings = append(rs.settings, Setting{name, value})
		}
		c.roles[role] = rs
	}
	return rows.Err()
}

// isolationLevel lets only real levels through, since it becomes a part of a statement.
func isolationLevel(value string) string {
	switch v := strings.ToLower(strings.Trim(value, `"' `)); v {
	case "serializable", "repeatable read", "read committed", "read uncommitted":
		return v
	}
	return ""
}

// same says whether another cache knows the same.
func (c *cache) same(other *cache) bool { return other != nil && reflect.DeepEqual(c, other) }
