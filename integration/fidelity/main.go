// Command fidelity compares the training engines with the libraries whose algorithms they are: both fit the same rows with the same hyperparameters, and
// predict the same other rows. It prints tables in Markdown and ends with status 1 if something differs by more than it may.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"slices"
	"strings"
	"syscall"

	"github.com/pgowl/pgowl/models"
	"github.com/pgowl/pgowl/models/learn"
)

// options are what the command line says.
type options struct {
	python     string // an interpreter that has the libraries
	algorithms string // by comma; empty: all
	sets       string // by comma; empty: all
	seeds      int
	titles     string // CSV of headlines and labels, gzipped or not; empty: none
	limit      int    // headlines to read
}

var errDiffers = errors.New("something is out of tolerance")

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "fidelity:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	var o options
	flags := flag.NewFlagSet("fidelity", flag.ContinueOnError)
	flags.StringVar(&o.python, "python", os.Getenv("PGOWL_BENCH_PYTHON"), "Python that has scikit-learn, xgboost, lightgbm and catboost")
	flags.StringVar(&o.algorithms, "algorithm", "", "algorithms to compare, by comma; empty means all")
	flags.StringVar(&o.sets, "set", "", "data sets to compare on, by comma; empty means all")
	flags.IntVar(&o.seeds, "seeds", 5, "fits of each setting, each of other rows and with another random state")
	flags.StringVar(&o.titles, "titles", os.Getenv("PGOWL_BENCH_TITLES"), "CSV file: title,is_clickbait; headlines become vectors, and those a data set")
	flags.IntVar(&o.limit, "limit", 3000, "number of headlines")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if o.python == "" {
		return errors.New("-python or PGOWL_BENCH_PYTHON must name a Python that has the libraries; make fidelity brings one")
	}
	if o.seeds < 1 {
		return fmt.Errorf("-seeds %d: want 1 or more", o.seeds)
	}
	sets, err := allSets(ctx, o)
	if err != nil {
		return err
	}
	if sets, err = pick("set", o.sets, sets, func(s *set) string { return s.name }); err != nil {
		return err
	}
	chosen, err := pick("algorithm", o.algorithms, settings, func(s setting) string { return s.algorithm })
	if err != nil {
		return err
	}
	chosen, left := available(chosen, o.algorithms == "")
	comparisons := plan(chosen, sets, o.seeds)
	if len(comparisons) == 0 {
		return errors.New("there is nothing to compare: " + strings.Join(left, "; "))
	}
	versions, err := fitAll(ctx, o.python, comparisons)
	if err != nil {
		return err
	}
	fmt.Printf("%s, %s/%s; %s; %d seeds (0 to %d), each for the rows that are held out and for the random state.\n",
		runtime.Version(), runtime.GOOS, runtime.GOARCH, versions, o.seeds, o.seeds-1)
	bad := report(os.Stdout, comparisons)
	if len(left) > 0 {
		fmt.Printf("\nLeft out: %s.\n", strings.Join(left, "; "))
	}
	if bad > 0 {
		return fmt.Errorf("%w: %d of %d comparisons", errDiffers, bad, len(comparisons))
	}
	return nil
}

// pick keeps the items that a list of names by comma has; all, if it is empty.
func pick[T any](what, list string, items []T, name func(T) string) ([]T, error) {
	if list == "" {
		return items, nil
	}
	var out []T
	for wanted := range strings.SplitSeq(list, ",") {
		n := len(out)
		for _, item := range items {
			if name(item) == wanted {
				out = append(out, item)
			}
		}
		if len(out) == n {
			var there []string
			for _, item := range items {
				there = append(there, name(item))
			}
			return nil, fmt.Errorf("no %s %q: there are %s", what, wanted, strings.Join(slices.Compact(there), ", "))
		}
	}
	return out, nil
}

// available keeps the settings that the registry has an engine for, and tells what is left out: algorithms without an engine, and, if all are wanted,
// engines without a setting here.
func available(chosen []setting, all bool) (kept []setting, left []string) {
	for _, task := range []learn.Task{learn.Regression, learn.Classification} {
		compared := map[string]bool{}
		for _, s := range chosen {
			if s.task != task || compared[s.algorithm] {
				continue
			}
			compared[s.algorithm] = true
			if _, err := models.Trainer(s.algorithm, task); err != nil {
				left = append(left, err.Error())
			}
		}
		for _, name := range models.Trained(task) {
			if all && !compared[name] {
				left = append(left, fmt.Sprintf("%s for %s has no settings here", name, task))
			}
		}
	}
	for _, s := range chosen {
		if _, err := models.Trainer(s.algorithm, s.task); err == nil {
			kept = append(kept, s)
		}
	}
	return kept, left
}
