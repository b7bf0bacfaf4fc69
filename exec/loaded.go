package exec

import (
	"github.com/pgowl/pgowl/models/text"
	"go.uber.org/zap"
)

// loaded logs by which runtime a text model is computed on the processors.
func (e *Engine) loaded(l text.Loaded) {
	e.log.Info("text model runs on the processors", zap.String("model", l.Model), zap.String("runtime", string(l.Backend)), zap.String("version", l.Version),
		zap.String("why", l.Why), zap.String("processors", l.Has))
}
