package exec

import (
	"context"
	"time"

	"go.uber.org/zap"
)

// strayReplies takes away the replies whose backend has gone: it can't any more. Other proxies' too, as those may have gone themselves.
const strayReplies = `DELETE FROM pgowl.replies r
	WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_stat_activity a WHERE a.pid = r.pid AND a.backend_start <= r.created_at)`

// sweep takes stray replies away until the context ends: after a start, when the backends of a proxy that was killed may still be ending, when a
// mailbox was lost, and now and then.
func (e *Engine) sweep(ctx context.Context) {
	const first, last = 2 * time.Second, time.Minute
	for pause := first; ; pause = min(2*pause, last) {
		// On a standby there is nothing of ours to take away.
		if _, err := e.pool.Exec(ctx, strayReplies); err != nil && !readOnly(err) && ctx.Err() == nil {
			e.log.Debug("replies that nobody waits for could not be looked for", zap.Error(err))
		}
		timer := time.NewTimer(pause)
		select {
		case <-timer.C:
		case <-e.lost:
			pause = first / 2
		case <-ctx.Done():
		}
		timer.Stop()
		if ctx.Err() != nil {
			return
		}
	}
}

// replyLost has the replies swept soon.
func (e *Engine) replyLost() {
	select {
	case e.lost <- struct{}{}:
	default:
	}
}
