package main

import (
	"bufio"
	"context"
	_ "embed"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"sync"
	"time"
	"unsafe"

	"github.com/pgowl/pgowl/models/nearest"
)

// nearestReference searches by the reference; it says how.
//
//go:embed nearest.py
var nearestReference string

// What is searched: as many dimensions as small sentence-transformers have.
const nearestDims, nearestK = 384, 10

// nearestAim is the part of the memory's speed that a scan for one query is to have, by the bytes that the numbers take in the table.
const nearestAim = 0.9

// effort is what something took, of the clock and of the processors, in seconds.
type effort struct{ clock, processors float64 }

// nearestPart searches among random vectors, all of which are compared, beside plain reading of their bytes and beside faiss, by turns.
func nearestPart(ctx context.Context, _ *stage, o options) error {
	fmt.Printf("\nsearch: the %d nearest of %d vectors of %d dimensions, all compared\n", nearestK, o.vectors, nearestDims)
	var reference func(queries int) (effort, error)
	if o.python == "" {
		fmt.Println("  not compared with faiss: no Python that has it (PGOWL_BENCH_PYTHON)")
	} else {
		ask, stop, err := startReference(ctx, o)
		if err != nil {
			return err
		}
		defer stop()
		reference = ask
	}
	dice := rand.New(rand.NewPCG(1, 2))
	plain := make([]float32, 0, o.vectors*nearestDims)
	index := nearest.New(nearestDims)
	index.Update(func(w nearest.Writer) {
		for row := range o.vectors {
			v := gaussian(dice)
			plain = append(plain, v...)
			w.Put(int64(row), v)
		}
	})
	gigabytes := float64(len(plain)) * 4 / 1e9
	for _, n := range []int{1, 32} {
		var read, ours, theirs []effort
		for range max(o.rounds, 3) * 3 {
			queries := make([]nearest.Query, n)
			for i := range queries {
				queries[i], _ = nearest.NewQuery(gaussian(dice))
			}
			one, err := measure(func() error { readAll(plain); return nil })
			if err != nil {
				return err
			}
			read = append(read, one)
			if one, err = measure(func() error { _, err := index.Search(ctx, queries, nearestK); return err }); err != nil {
				return err
			}
			ours = append(ours, one)
			if reference != nil {
				if one, err = reference(n); err != nil {
					return err
				}
				theirs = append(theirs, one)
			}
		}
		clock := func(s effort) float64 { return s.clock }
		processors := func(s effort) float64 { return s.processors }
		if n == 1 {
			line("1 query / reading", "%.2f of %.1f GB/s (aim %.1f; %.2f by processor time)  %.1f ms", ratioOf(read, ours, clock), gigabytes/medianOf(read, clock), nearestAim,
				ratioOf(read, ours, processors), 1000*medianOf(ours, clock))
		}
		if reference != nil {
			line(fmt.Sprintf("%d queries, faiss's time / ours", n), "%.2f (%.2f by processor time)  %.1f ms, faiss %.1f ms", ratioOf(theirs, ours, clock), ratioOf(theirs, ours, processors),
				1000*medianOf(ours, clock), 1000*medianOf(theirs, clock))
		}
	}
	return nil
}

// medianOf is the median of a figure.
func medianOf(all []effort, figure func(effort) float64) float64 {
	var list []float64
	for _, s := range all {
		list = append(list, figure(s))
	}
	return median(list)
}

// ratioOf is the median of the rounds' ratios.
func ratioOf(a, b []effort, figure func(effort) float64) float64 {
	var list []float64
	for i := range a {
		list = append(list, figure(a[i])/max(figure(b[i]), 1e-9))
	}
	return median(list)
}

func gaussian(dice *rand.Rand) []float32 {
	v := make([]float32, nearestDims)
	for i := range v {
		v[i] = float32(dice.NormFloat64())
	}
	return v
}

func measure(do func() error) (effort, error) {
	before, err := processorTime()
	if err != nil {
		return effort{}, err
	}
	start := time.Now()
	if err := do(); err != nil {
		return effort{}, err
	}
	clock := time.Since(start).Seconds()
	after, err := processorTime()
	return effort{clock, (after - before).Seconds()}, err
}

// readAll adds up all the numbers' bits, on all processors: what it takes is what the memory takes.
func readAll(numbers []float32) {
	words := unsafe.Slice((*uint64)(unsafe.Pointer(&numbers[0])), len(numbers)/2)
	var threads sync.WaitGroup
	sums := make([]uint64, runtime.GOMAXPROCS(0))
	for i := range sums {
		threads.Go(func() {
			part := words[i*len(words)/len(sums) : (i+1)*len(words)/len(sums)]
			var a, b, c, d uint64
			for ; len(part) >= 8; part = part[8:] {
				a += part[0] + part[4]
				b += part[1] + part[5]
				c += part[2] + part[6]
				d += part[3] + part[7]
			}
			sums[i] = a + b + c + d
		})
	}
	threads.Wait()
	runtime.KeepAlive(sums)
}

// startReference starts the reference, and gives what asks it for the time of a search.
func startReference(ctx context.Context, o options) (ask func(queries int) (effort, error), stop func(), err error) {
	cmd := exec.CommandContext(ctx, o.python, "-c", nearestReference, strconv.Itoa(o.vectors), strconv.Itoa(nearestDims), strconv.Itoa(nearestK))
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, nil, err
	}
	pipe, err := cmd.StdoutPipe()
	if err != nil {
		return nil, nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, nil, err
	}
	stop = func() {
		in.Close()
		cmd.Wait()
	}
	out := bufio.NewReader(pipe)
	if line, err := out.ReadString('\n'); err != nil || line != "ready\n" {
		stop()
		return nil, nil, fmt.Errorf("faiss did not start: %q, %w", line, err)
	}
	return func(queries int) (s effort, err error) {
		if _, err = io.WriteString(in, strconv.Itoa(queries)+"\n"); err != nil {
			return s, err
		}
		_, err = fmt.Fscanln(out, &s.clock, &s.processors)
		return s, err
	}, stop, nil
}
