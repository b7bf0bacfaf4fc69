package train

import (
	"context"
	"encoding/json"

	"github.com/pgowl/pgowl/exec/function"
	"github.com/pgowl/pgowl/models/learn"
)

type project struct {
	ID   int64      `json:"id"`
	Task learn.Task `json:"task"`
}

// query runs a statement and decodes its rows.
func query[T any](ctx context.Context, s function.Session, as function.Role, sql string, args map[string]any) ([]T, error) {
	text, err := s.Query(ctx, as, sql, args)
	if err != nil {
		return nil, err
	}
	var rows []T
	if err := json.Unmarshal(text, &rows); err != nil {
		return nil, function.Errorf("XX000", "pgml.train: a registry row cannot be read: %v", err)
	}
	return rows, nil
}

// one is query for a statement that must give a row.
func one[T any](ctx context.Context, s function.Session, sql string, args map[string]any) (T, error) {
	rows, err := query[T](ctx, s, function.Owner, sql, args)
	if err != nil {
		var none T
		return none, err
	}
	if len(rows) != 1 {
		var none T
		return none, function.Errorf("XX000", "pgml.train: a registry statement gave %d rows", len(rows))
	}
	return rows[0], nil
}

const (
	projectByName = `SELECT p.id, p.task::text AS task FROM pgml.projects p WHERE p.name = $1->>'name'`
	newProject    = `INSERT INTO pgml.projects (name, task) VALUES ($1->>'name', ($1->>'task')::pgml.task)
		ON CONFLICT (name) DO NOTHING RETURNING id, task::text AS task`
)

// findProject finds the project or creates it, and checks the task.
func (r *run) findProject(ctx context.Context) (project, error) {
	args := map[string]any{"name": r.req.Project}
	rows, err := query[project](ctx, r.s, function.Owner, projectByName, args)
	if err != nil {
		return project{}, err
	}
	if len(rows) == 0 {
		if r.req.Task == nil {
			return project{}, function.Errorf("XX000",
				"Project `%s` does not exist. To create a new project, you must specify a `task`.", r.req.Project)
		}
		task, err := parseTask(*r.req.Task)
		if err != nil {
			return project{}, err
		}
		args["task"] = string(task)
		if rows, err = query[project](ctx, r.s, function.Owner, newProject, args); err != nil {
			return project{}, err
		}
	}
	if len(rows) == 0 {
		// Somebody else has created it since the first look, and committed: the insert waited for that.
		if rows, err = query[project](ctx, r.s, function.Owner, projectByName, args); err != nil {
			return project{}, err
		}
		if len(rows) == 0 {
			return project{}, function.Errorf("40001", "Project `%s` was created and dropped by others at the same time", r.req.Project)
		}
	}
	p := rows[0]
	if r.req.Task != nil {
		task, err := parseTask(*r.req.Task)
		if err != nil {
			return project{}, err
		}
		if task != p.Task {
			return project{}, function.Errorf("XX000",
				"Project `%q` already exists with a different task: `%s`. Create a new project instead.", r.req.Project, p.Task)
		}
	}
	switch {
	case tasks[p.Task]:
		return project{}, function.Errorf("XX000", "use pgml.tune for transformers tasks")
	case p.Task != learn.Regression && p.Task != learn.Classification:
		return project{}, unavailable("task", string(p.Task))
	}
	return p, nil
}

// unavailable says that PostgresML has it and PgOwl does not yet.
func unavailable(what, name string) *function.Error {
	return function.Errorf("0A000", "pgml.train: %s %q is not available in PgOwl yet", what, name)
}
