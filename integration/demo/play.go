package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/pgowl/pgowl/integration/story"
)

// waitLimit is how long a Wait step may take; waitPause the time between two looks.
const (
	waitLimit = 2 * time.Minute
	waitPause = 500 * time.Millisecond
)

// play does the steps in order and ends at the first that fails.
func play(ctx context.Context, owl *owl, steps []story.Step) error {
	psql, err := startPsql(ctx, owl)
	if err != nil {
		return err
	}
	defer psql.stop()
	token, err := newToken(owl.secret, story.WebRole, time.Hour)
	if err != nil {
		return err
	}
	for _, step := range steps {
		if step.Title != "" {
			fmt.Printf("\n---- %s\n", step.Title)
		}
		if err := playOne(ctx, owl, psql, token, step); err != nil {
			return err
		}
	}
	return nil
}

func playOne(ctx context.Context, owl *owl, psql *psql, token string, step story.Step) error {
	switch step.Kind {
	case story.HTTP:
		return post(ctx, owl, token, step)
	case story.Wait:
		return wait(ctx, psql, step)
	case story.Load:
		return show(psql, `\copy `+strings.TrimPrefix(strings.Replace(step.Text, "STDIN", "'"+story.Headlines+"'", 1), "COPY "), step)
	default:
		return show(psql, step.Text+";", step)
	}
}

// show sends one statement, or one of psql's own commands, and prints it with its result.
func show(psql *psql, text string, step story.Step) error {
	fmt.Printf("\npostgres=# %s\n", strings.ReplaceAll(text, "\n", "\npostgres-# "))
	begin := time.Now()
	out, err := psql.run(text)
	took := since(begin)
	fmt.Print(clip(out))
	if err != nil {
		return err
	}
	fmt.Printf("Time: %s\n", took)
	return check(step, plain(out))
}

// wait asks the step's query until its result is there.
func wait(ctx context.Context, psql *psql, step story.Step) error {
	fmt.Printf("\npostgres=# %s;\n", strings.ReplaceAll(step.Text, "\n", "\npostgres-# "))
	begin := time.Now()
	tick := time.NewTicker(waitPause)
	defer tick.Stop()
	for {
		out, err := psql.run(step.Text + ";")
		if err != nil {
			fmt.Print(clip(out))
			return err
		}
		if check(step, plain(out)) == nil {
			fmt.Print(clip(out))
			fmt.Printf("Time: %s, waiting included\n", since(begin))
			return nil
		}
		if time.Since(begin) > waitLimit {
			fmt.Print(clip(out))
			return fmt.Errorf("nothing of the kind came within %s", waitLimit)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return errInterrupted
		}
	}
}

func check(step story.Step, result string) error {
	if step.Want != nil && !step.Want.MatchString(result) {
		return errors.New("the result is not what the story expects: " + step.Want.String())
	}
	return nil
}

// plain turns psql's aligned table into what psql -At writes: fields separated by |, no heads, no count of rows.
func plain(out string) string {
	var rows []string
	inside := false
	for line := range strings.SplitSeq(strings.TrimRight(out, "\n"), "\n") {
		switch {
		case strings.Trim(line, "-+") == "" && line != "":
			inside = true
		case strings.HasPrefix(line, "(") && strings.Contains(line, "row"):
			inside = false
		case inside && line != "":
			fields := strings.Split(line, " | ")
			for i := range fields {
				fields[i] = strings.TrimSpace(fields[i])
			}
			rows = append(rows, strings.Join(fields, "|"))
		}
	}
	return strings.Join(rows, "\n")
}

// clip keeps the demo readable where a result is not: vectors, statistics.
func clip(out string) string {
	const width, height = 160, 30
	lines := strings.SplitAfter(out, "\n")
	var b strings.Builder
	for i, line := range lines {
		if i == height {
			fmt.Fprintf(&b, "... %d more lines\n", len(lines)-height)
			break
		}
		if runes := []rune(line); len(runes) > width {
			line = string(runes[:width]) + " ...\n"
		}
		b.WriteString(line)
	}
	return b.String()
}
