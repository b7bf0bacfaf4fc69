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

// refused logs that a model in the database has been replaced by one that does not load.
func (e *Engine) refused(model string, err error) {
	e.log.Warn("the newer version of a text model in the database cannot be loaded: the one that is loaded goes on", zap.String("model", model), zap.Error(err))
}
