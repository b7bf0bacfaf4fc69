package text

// engine is a graph, loaded by one of the runtimes. It is safe for use by several goroutines.
type engine interface {
	// run fills out, of the given shape, with the graph's output for the inputs, in the order of the graph and of rows x columns tokens each. stopped is told how the run is
	// stopped and may call it off; a run that was called off or stopped leaves out in any state, and may return an error or none.
	run(ins [][]int64, rows, columns int, out []float32, shape []int64, stopped stopper) error
	close()
}

// stopper is whoever may want a run stopped.
type stopper interface {
	// begun notes how the run is stopped, from any goroutine, and reports whether it is wanted at all.
	begun(stop func()) bool
	// ended says that stop may not be called any more. It must be called after begun, whatever that said.
	ended()
}
