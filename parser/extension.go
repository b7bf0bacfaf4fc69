package parser

import (
	"strings"

	pg_query "github.com/pganalyze/pg_query_go/v6"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// ourExtensions are the extensions that PgOwl stands in for.
var ourExtensions = map[string]bool{"pgml": true, "pg_cron": true, "plpython3u": true}

// extensions replaces CREATE, ALTER and DROP EXTENSION of ours by DO blocks that call functions of schema pgowl, which
// raise the messages that Postgres would, and SHOW of PostgresML's settings by SELECTs. It reports whether there was one.
func (r *reader) extensions(stmts []*pg_query.RawStmt) bool {
	for i, raw := range stmts {
		text, tag := settingShown(raw.Stmt), "SHOW"
		if text == "" {
			if text, tag = extensionCall(raw.Stmt); text == "" {
				continue
			}
			text = "DO $pgowl$BEGIN " + text + " END$pgowl$"
		}
		start := r.tokens[at(r.tokens, int(raw.StmtLocation))].start
		end := len(strings.TrimRight(r.text, " \t\r\n;"))
		if raw.StmtLen > 0 {
			end = int(raw.StmtLocation + raw.StmtLen)
		}
		if end < start {
			continue
		}
		if r.plan.Tags == nil {
			r.plan.Tags = map[int]string{}
		}
		r.plan.Lane = Extension
		r.plan.Tags[i] = tag
		r.plan.edits = append(r.plan.edits, edit{start: start, end: end, text: text})
	}
	return len(r.plan.Tags) > 0
}

func extensionCall(stmt *pg_query.Node) (body, tag string) {
	flag := func(b bool) string {
		if b {
			return "true"
		}
		return "false"
	}
	switch n := stmt.GetNode().(type) {
	case *pg_query.Node_CreateExtensionStmt:
		if s := n.CreateExtensionStmt; ourExtensions[s.Extname] {
			return "PERFORM pgowl.create_extension('" + s.Extname + "', " + flag(s.IfNotExists) + ");", "CREATE EXTENSION"
		}
	case *pg_query.Node_AlterExtensionStmt:
		if s := n.AlterExtensionStmt; ourExtensions[s.Extname] {
			version := "NULL"
			for _, o := range s.Options {
				if d := o.GetDefElem(); d.GetDefname() == "new_version" {
					version = "'" + strings.ReplaceAll(d.GetArg().GetString_().GetSval(), "'", "''") + "'"
				}
			}
			return "PERFORM pgowl.update_extension('" + s.Extname + "', " + version + ");", "ALTER EXTENSION"
		}
	case *pg_query.Node_DropStmt:
		s := n.DropStmt
		if s.RemoveType != pg_query.ObjectType_OBJECT_EXTENSION {
			return "", ""
		}
		cascade := s.Behavior == pg_query.DropBehavior_DROP_CASCADE
		for _, o := range s.Objects {
			name := o.GetString_().GetSval()
			if !ourExtensions[name] {
				return "", "" // mixed with others: left to the server, whose error names ours
			}
			body += "PERFORM pgowl.drop_extension('" + name + "', " + flag(s.MissingOk) + ", " + flag(cascade) + ");"
		}
		return body, "DROP EXTENSION"
	}
	return "", ""
}

// mentionsCall reports whether a call of ours stands below a node.
func mentionsCall(node *pg_query.Node) bool {
	return anyCall(node, func(*pg_query.FuncCall) bool { return true })
}

// anyCall reports whether a test holds for one of the outermost calls of ours in an expression.
func anyCall(node *pg_query.Node, test func(*pg_query.FuncCall) bool) bool {
	found := false
	var walk func(m protoreflect.Message)
	walk = func(m protoreflect.Message) {
		if f, ok := m.Interface().(*pg_query.FuncCall); ok {
			if _, ours := ourName(f); ours {
				found = found || test(f)
				return
			}
		}
		eachChild(m, walk)
	}
	if node != nil {
		walk(node.ProtoReflect())
	}
	return found
}
