package text

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	goruntime "runtime"
	"slices"
	"sync"

	ort "github.com/yalue/onnxruntime_go"
)

// measurements is a file of what has been measured on machines. Whatever is wrong with it, there is none.
type measurements struct{ file string }

// measuredMutex keeps this process's models from writing over each other.
var measuredMutex sync.Mutex

// mostMeasured is how many lines the file may have.
const mostMeasured = 1000

// measured is the name of a measurement: of a file as it is now, with these runtimes, on this machine.
func measured(file, version string) string {
	host, _ := os.Hostname()
	size, changed := int64(0), int64(0)
	if info, err := os.Stat(file); err == nil {
		size, changed = info.Size(), info.ModTime().Unix()
	}
	return fmt.Sprintf("%s (%d bytes of %d) on %s (%s, %d processors) by ONNX Runtime %s and OpenVINO %s", file, size, changed, host, processorHas(), goruntime.NumCPU(), ort.GetVersion(), version)
}

func (m measurements) read() map[string]float64 {
	all := map[string]float64{}
	if m.file == "" {
		return all
	}
	if data, err := readUpTo(filepath.Dir(m.file), filepath.Base(m.file), 1<<20); err == nil {
		if json.Unmarshal(data, &all) != nil || all == nil {
			all = map[string]float64{}
		}
	}
	return all
}

func (m measurements) get(key string) (float64, bool) {
	ratio, ok := m.read()[key]
	return ratio, ok && ratio > 0
}

// put notes a measurement. It does not matter if that fails.
func (m measurements) put(key string, ratio float64) {
	if m.file == "" {
		return
	}
	measuredMutex.Lock()
	defer measuredMutex.Unlock()
	all := m.read()
	if len(all) >= mostMeasured {
		delete(all, slices.Min(slices.Collect(maps.Keys(all))))
	}
	all[key] = ratio
	data, err := json.MarshalIndent(all, "", "\t")
	if err != nil {
		return
	}
	f, err := os.CreateTemp(filepath.Dir(m.file), ".measured-*")
	if err != nil {
		return
	}
	_, err = f.Write(data)
	if e := f.Close(); err == nil {
		err = e
	}
	if err == nil {
		err = os.Rename(f.Name(), m.file)
	}
	if err != nil {
		os.Remove(f.Name())
	}
}
