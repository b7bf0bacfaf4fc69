package cron

import (
	"context"
	"time"

	"go.uber.org/zap"
)

// channel is what the trigger on cron.job notifies.
const channel = "pgowl_cron"

// listen pokes the loop whenever a job has changed. Without a connection the loop's own polling goes on.
func (s *Scheduler) listen(ctx context.Context) {
	for ctx.Err() == nil {
		if err := s.listenOnce(ctx); err != nil && ctx.Err() == nil {
			s.log.Debug("cron: listen", zap.Error(err))
		}
		if !s.sleep(ctx, time.Second) {
			return
		}
	}
}

func (s *Scheduler) listenOnce(ctx context.Context) error {
	conn, err := s.opts.Service(ctx)
	if err != nil {
		return err
	}
	defer func() {
		end, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		conn.Close(end)
		<-conn.PgConn().CleanupDone()
	}()
	if _, err := conn.Exec(ctx, "LISTEN "+channel); err != nil {
		return err
	}
	for {
		// What was notified before LISTEN is seen by looking once.
		s.poke()
		if _, err := conn.WaitForNotification(ctx); err != nil {
			return err
		}
	}
}
