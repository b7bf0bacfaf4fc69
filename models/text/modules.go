package text

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// maxSteps is how many steps there may be, and maxStepWeights how many numbers they may have together.
const (
	maxSteps       = 32
	maxStepWeights = 1 << 28
)

// readModules reads the steps behind the transformer.
func (s *settings) readModules(dir string) error {
	var modules []struct {
		Type string `json:"type"`
		Path string `json:"path"`
	}
	found, err := readJSON(dir, "modules.json", &modules)
	if err != nil {
		return err
	}
	s.pooling = []pooling{poolMean}
	if !found {
		if _, err := os.Stat(filepath.Join(dir, "2_Normalize")); err == nil {
			s.steps = append(s.steps, normalizeStep{})
		}
		return s.readPooling(dir, "1_Pooling", false)
	}
	if len(modules) > maxSteps {
		return fmt.Errorf("modules.json has %d steps", len(modules))
	}
	weights := 0
	for _, m := range modules {
		kind := m.Type[strings.LastIndexByte(m.Type, '.')+1:]
		if len(s.steps) > 0 && (kind == "Transformer" || kind == "Pooling") {
			return fmt.Errorf("modules.json: %s behind other steps is not supported", kind)
		}
		switch kind {
		case "Transformer", "Dropout":
		case "Pooling":
			if err := s.readPooling(dir, m.Path, true); err != nil {
				return err
			}
		case "Normalize":
			s.steps = append(s.steps, normalizeStep{})
		case "Dense":
			d, err := readDense(dir, m.Path)
			if err != nil {
				return err
			}
			if weights += len(d.weight); weights > maxStepWeights {
				return fmt.Errorf("modules.json: the steps have more than %d numbers", maxStepWeights)
			}
			s.steps = append(s.steps, d)
		case "LayerNorm":
			l, err := readLayerNorm(dir, m.Path)
			if err != nil {
				return err
			}
			s.steps = append(s.steps, l)
		default:
			return fmt.Errorf("modules.json: a step of type %q is not supported", m.Type)
		}
	}
	return nil
}
