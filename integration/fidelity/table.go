package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/pgowl/pgowl/models/learn"
)

// headings of the metrics.
var headings = map[string]string{"r2": "r2", "accuracy": "accuracy", "f1": "f1", "roc_auc": "AUC", "log_loss": "log loss"}

// report prints a table for each task, and returns how many comparisons are out of tolerance.
func report(w io.Writer, comparisons []*comparison) (bad int) {
	for _, task := range []learn.Task{learn.Regression, learn.Classification} {
		var rows []string
		for _, c := range comparisons {
			if c.setting.task != task {
				continue
			}
			o := c.judge()
			if len(o.faults) > 0 {
				bad++
			}
			rows = append(rows, c.row(o))
		}
		if len(rows) == 0 {
			continue
		}
		head := []string{"algorithm", "data", "hyperparameters", "judged by", "largest", "mean"}
		for _, name := range metricNames[task] {
			head = append(head, headings[name])
		}
		head = append(head, "out of tolerance")
		fmt.Fprintf(w, "\n## %s\n\n| %s |\n|%s\n", strings.ToUpper(string(task[:1]))+string(task[1:]), strings.Join(head, " | "), strings.Repeat("---|", len(head)))
		for _, row := range rows {
			fmt.Fprintln(w, row)
		}
	}
	fmt.Fprintf(w, "\n%d of %d comparisons are out of tolerance.\n", bad, len(comparisons))
	return bad
}

// row is a line of the table.
func (c *comparison) row(o outcome) string {
	cells := []string{c.setting.algorithm, c.set.name, written(c.setting.params), o.by}
	if o.rows == 0 {
		cells = append(cells, "", "")
	} else {
		cells = append(cells, fmt.Sprintf("%.1e", o.largest), fmt.Sprintf("%.1e", o.mean))
	}
	for _, name := range metricNames[c.setting.task] {
		cell := ""
		if p, ok := o.pairs[name]; ok {
			cell = fmt.Sprintf("%.4f / %.4f", p.ours, p.theirs)
		}
		cells = append(cells, cell)
	}
	cells = append(cells, strings.Join(o.faults, ", "))
	for i := range cells {
		cells[i] = strings.NewReplacer("|", `\|`, "\n", " ").Replace(cells[i])
	}
	return "| " + strings.Join(cells, " | ") + " |"
}

// written are hyperparameters as a client writes them, without the braces.
func written(p params) string {
	if len(p) == 0 {
		return "defaults"
	}
	text, err := json.Marshal(p) // in the order of the names
	if err != nil {
		return err.Error()
	}
	return "`" + strings.NewReplacer(`,"`, `, "`, `":`, `": `).Replace(string(text[1:len(text)-1])) + "`"
}
